"""Running answers to exercises, judging them, and explaining what went wrong.

Begin with `lab.py`, which a lab imports. `running.py` calls a learner's function, within its
`deadline.py`, and `state.py` undoes what the calls have changed; `kernel.py` does the same from
outside. `judging.py` turns outcomes into a judgement, `diagnosis/` says what wrong results have in
common, `picture.py` and `beside.py` draw the step that decides, and `progress.py` remembers.
"""
