"""Lessons and labs as a static site: Python runs in the visitor's browser, nothing is installed.

`python` puts Pyodide, which is Python for WebAssembly, and the wheels that notebooks need into one
folder, `browser` is code that runs there in place of packages that cannot, and `pages` builds a
JupyterLite around that folder. Everything comes from files that a lock names with their checksums,
and the site asks no other host when it is visited.
"""
