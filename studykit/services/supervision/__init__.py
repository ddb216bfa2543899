"""Processes in the background: started, known again, waited for, and ended with their starter."""
