"""Print the points of the learner: python3 course.py grade, without a path."""

from course_utils.learner.points import summary

print(summary())
