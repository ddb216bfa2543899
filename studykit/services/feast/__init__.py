"""Feast, a feature store that many teams use, in an environment of its own beside the lesson.

Begin with `beside.py`: it asks Feast and the rules of the course's store the same questions.
`environment.py` installs Feast, and `program.py` is what runs there.
"""
