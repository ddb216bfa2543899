"""The labs as a static site: Python runs in the visitor's browser, and nothing is installed.

`python` puts Pyodide, which is Python for WebAssembly, and the wheels that a lab needs into one
folder; `pages` builds a JupyterLite around that folder. Everything comes from files that a lock
names with their checksums, and the site asks no other host when it is visited.
"""
