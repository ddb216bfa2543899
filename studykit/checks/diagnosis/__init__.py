"""What is wrong with an answer, found out from its results: for every exercise, for nothing."""
