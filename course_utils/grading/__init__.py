"""How a class is graded: submissions are read, run apart, judged, and added up."""
