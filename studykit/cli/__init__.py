"""The command `study`: what every person types. `app.py` has the commands; most have a module."""
