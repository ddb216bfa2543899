"""The half of grading that runs inside the sandbox. It knows no test, no answer and no mark."""
