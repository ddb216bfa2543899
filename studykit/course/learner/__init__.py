"""A learner's work: copies of the labs, their checks, an own engine, the progress."""
