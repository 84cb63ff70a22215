"""Print the points of the learner: python3 course.py grade, without a path."""

import sys

from course_utils.learner.points import summary

said = summary()
try:
    said.encode(sys.stdout.encoding)
except UnicodeEncodeError:
    said = said.translate(str.maketrans("■□", "x-"))
print(said)
