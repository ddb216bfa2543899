"""An example class, to try grading out: thirty submissions and the gradebook that they must get."""
