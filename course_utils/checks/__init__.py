"""How an answer is judged: exercises as data, one judge, feedback in words."""

from course_utils.checks.catalogue import EXERCISES, exercises_of
from course_utils.checks.feedback import Feedback, check
from course_utils.checks.judge import judge

__all__ = ["EXERCISES", "Feedback", "check", "exercises_of", "judge"]
