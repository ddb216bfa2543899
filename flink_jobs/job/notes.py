"""The note that lies beside a job's state: on a disk of this machine, or wherever Flink can write.

Flink keeps checkpoints in whatever its file systems reach, such as `s3://`, and a Kubernetes
deployment names such a place. The note is read and written by the same file systems there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from pyflink.java_gateway import get_gateway

NAME: Final = "settings.json"
"""The name of the file."""


class Note(Protocol):
    """A text in a folder. Both methods raise an `OSError` whose `strerror` says what is wrong."""

    @property
    def place(self) -> str:
        """The folder, as a person would name it."""

    def read(self) -> str | None:
        """Return the text; None where there is none yet."""

    def write(self, text: str) -> None:
        """Write the text, in place of an older one."""


class LocalNote:
    """A note in a folder of this machine, which is made where it is missing."""

    def __init__(self, folder: Path) -> None:
        """Use the folder."""
        self._folder = folder

    @property
    def place(self) -> str:
        """The folder's path."""
        return str(self._folder)

    def read(self) -> str | None:
        """Return the text; None where there is none yet."""
        path = self._folder / NAME
        return path.read_text() if path.exists() else None

    def write(self, text: str) -> None:
        """Write the text, in place of an older one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / NAME).write_text(text)


class FlinkNote:
    """A note at an address that Flink's file systems reach. Java must be running."""

    def __init__(self, address: str) -> None:
        """Use the folder of an address, such as `s3://bucket/checkpoints`."""
        self.place = address
        self._path = get_gateway().jvm.org.apache.flink.core.fs.Path(f"{address}/{NAME}")

    def read(self) -> str | None:
        """Return the text; None where there is none yet.

        Raises:
            OSError: The file system refuses, for whatever reason Java gives.
        """
        try:
            files = self._path.getFileSystem()
            if not files.exists(self._path):
                return None
            stream = files.open(self._path)
            text = bytes(stream.readAllBytes()).decode()
            stream.close()
        except Exception as error:  # whatever Java says
            raise _translated(error) from None
        return text

    def write(self, text: str) -> None:
        """Write the text, in place of an older one.

        Raises:
            OSError: The file system refuses, for whatever reason Java gives.
        """
        modes = get_gateway().jvm.org.apache.flink.core.fs.FileSystem.WriteMode
        try:
            stream = self._path.getFileSystem().create(self._path, modes.OVERWRITE)
            stream.write(bytearray(text.encode()))
            stream.close()
        except Exception as error:  # whatever Java says
            raise _translated(error) from None


def _translated(error: Exception) -> OSError:
    java = getattr(error, "java_exception", None)
    said = str(error if java is None else java.getMessage()).splitlines()
    return OSError(0, said[0] if said else "Flink does not say why")
