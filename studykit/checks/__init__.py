"""Running answers to exercises, judging them, and explaining what went wrong."""
