// Runs Python programs in Pyodide: node in_pyodide.mjs PYTHON_FOLDER MOUNTED_FOLDER PROGRAM...
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, mounted, ...programs] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
const python = await loadPyodide({
  indexURL: `${folder}/`,
  packages: ["event-time-lab", "ipython", "ipywidgets", "anywidget"],
});
python.FS.mkdirTree("/course");
python.mountNodeFS("/course", mounted);
for (const program of programs) python.runPython(readFileSync(program, "utf8"));
