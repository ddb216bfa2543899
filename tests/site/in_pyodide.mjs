// Runs a Python program in Pyodide: node in_pyodide.mjs PYTHON_FOLDER MOUNTED_FOLDER PROGRAM
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, mounted, program] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: `${folder}/`, packages: ["event-time-lab"] });
python.FS.mkdirTree("/course");
python.mountNodeFS("/course", mounted);
python.runPython(readFileSync(program, "utf8"));
