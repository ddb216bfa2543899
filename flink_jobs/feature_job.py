"""The entry point of the production job: fraud and personalization features by Flink SQL.

    python flink_jobs/feature_job.py --replay events.jsonl --out results

Every setting is a flag, or an environment variable of the same name in capitals. The job itself is
in `job_graph.py` and `sql/`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

from flink_jobs.config import Settings, SettingsError
from flink_jobs.connectors.log_file import LogFileError
from flink_jobs.job_files import FilePorts
from flink_jobs.job_graph import build, check_settings
from flink_jobs.job_runtime import JavaMissing, table_environment


def main(arguments: list[str] | None = None) -> int:
    """Run the job; return its exit status."""
    options = _parser().parse_args(arguments)
    flags = {setting.name: getattr(options, setting.name) for setting in fields(Settings)}
    try:
        settings = Settings.load(os.environ, **flags)
        replay_file(options.replay, options.out, settings, options.parallelism)
    except (SettingsError, LogFileError, JavaMissing) as error:
        print(f"feature_job: {error}", file=sys.stderr)
        return 1
    return 0


def replay_file(log: Path, out: Path, settings: Settings, parallelism: int = 1) -> None:
    """Replay a log file into `features.jsonl` and `dead-letter.jsonl` in the folder `out`.

    Raises:
        LogFileError: The log cannot be read.
        SettingsError: The production job cannot do what the settings ask for.
        JavaMissing: There is no Java that Flink runs on.
    """
    check_settings(settings)
    with tempfile.TemporaryDirectory(prefix="feature-job-") as folder:
        ports = FilePorts(Path(folder), settings)
        ports.split(log)
        _, table_env = table_environment(parallelism)
        build(table_env, settings, ports).execute().wait()
        ports.collect(out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="feature_job", description="Compute features from Kafka into Redis with Flink."
    )
    for setting in fields(Settings):
        parser.add_argument(
            f"--{setting.name.replace('_', '-')}",
            metavar=str(setting.default),
            help=f"or {setting.name.upper()} (default: {setting.default})",
        )
    parser.add_argument("--parallelism", type=int, default=1, metavar="1", help="(default: 1)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="process a log file instead")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("replay"),
        help="where a replay writes features.jsonl and dead-letter.jsonl (default: replay)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
