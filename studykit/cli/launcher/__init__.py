"""The page behind "Services and lessons" in JupyterLab's launcher."""
