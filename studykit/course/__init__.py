"""The course: notebooks made from their sources, rules for what is written, and a learner's work.

`builder/` makes lessons, labs and solutions from one source each. `claims`, `statements`,
`concepts` and `lint` hold the texts to their rules; `proof` and `mutants` hold the exercises.
`learner/` has what a learner does outside of a notebook: copies, checks, an engine of one's own.
"""
