"""Writing the labels of a generated set, and their hashes."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from ir_transfer.conversion.inputs import MANIFEST_NAME
from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.conversion.plan import Plan
from ir_transfer.dataset.options import CARD_FOLDER, HASHES_NAME
from ir_transfer.dataset.plan import results_of
from ir_transfer.errors import DecodeError
from ir_transfer.imaging.image_io import write_whole
from ir_transfer.imaging.remote import remove, stored_bytes
from ir_transfer.inside import inside_path
from ir_transfer.labels.base import LabelledSet
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled


def write_labels(labelled: LabelledSet, plan: Plan, manifest: Manifest) -> tuple[list[PurePosixPath], list[str]]:
    """Write the labels of all results, and compare them with those of the source.

    Returns:
        The written files, and a line for each difference.

    Raises:
        EncodeError: The disk is full or the folder is gone.
    """
    results = results_of(labelled, plan, manifest.entries)
    header = manifest.header
    origin = {
        "made_by": f"ir-transfer {header.versions.get('ir_transfer', '')}".rstrip(),
        "model": str(header.look["model"]),
        "weights": str(header.look["weights"]),
        "style": str(header.look["style"]),
    }
    earlier = read_hashes(plan.out)
    written = labelled.write(plan.out, results, origin, leave_out=reserved_paths(manifest.entries))
    for rel_path in earlier.keys() - set(
        map(str, written)
    ):  # of an image that was removed from the source, or fails now
        _remove_unchanged(plan.out, rel_path, earlier[rel_path])
    write_hashes(plan.out, written)
    after = open_labelled(plan.out, labelled.kind, leave_out=[plan.out / CARD_FOLDER])
    return written, compare_labels(labelled, after, results)


def problem_lines(labelled: LabelledSet) -> list[str]:
    """Return a line for each problem with the labels of a set; files that are not read come first."""
    unread = set(labelled.unread)
    problems = sorted(labelled.problems, key=lambda one: (one.file, one.message) not in unread)
    return [f"{one.file}{':' if one.where else ''}{one.where}: {one.message}" for one in problems]


def write_hashes(out: Path, files: Iterable[PurePosixPath]) -> None:
    """Write the hash of every label file, in the form that ``sha256sum -c`` reads.

    Raises:
        EncodeError: The disk is full or the folder is gone.
    """
    lines = [f"{hashlib.sha256(stored_bytes(out / rel_path)).hexdigest()}  {rel_path}\n" for rel_path in sorted(files)]
    write_whole(out / HASHES_NAME, "".join(lines).encode(errors="surrogateescape"))


def remove_stale(plan: Plan) -> None:
    """Remove unchanged images and label files of an earlier run that this one does not replace."""
    earlier = Manifest.load(plan.out)
    if earlier is None:
        return
    wanted = {str(job.output) for job in plan.jobs}
    made = {str(one.output): str(one.output_sha256) for one in earlier.entries.values() if one.status == "converted"}
    for rel_path, digest in {**made, **read_hashes(plan.out)}.items():
        if rel_path not in wanted:
            _remove_unchanged(plan.out, rel_path, digest)


def drop_removed(plan: Plan, manifest: Manifest) -> int:
    """Remove entries and unchanged results of images that are no longer in the source; return the number of results.

    They would have no labels, and training code would treat them as background.
    """
    wanted = set(plan.order)
    gone = [entry for key, entry in manifest.entries.items() if key not in wanted]
    for entry in gone:
        if entry.output is not None and entry.status == "converted":
            _remove_unchanged(plan.out, entry.output, str(entry.output_sha256))
        del manifest.entries[entry.key]
    return sum(entry.output is not None for entry in gone)


def _remove_unchanged(out: Path, rel_path: str, digest: str) -> None:
    path = inside_path(out, rel_path)
    if path.is_file() and hashlib.sha256(stored_bytes(path)).hexdigest() == digest:
        remove(path)


def read_hashes(out: Path) -> dict[str, str]:
    """Return the hashes of the label files by path; empty if the set has no list of them.

    Raises:
        DecodeError: A line is not a hash and a path.
        InputError: A path leaves the set.
    """
    path = out / HASHES_NAME
    if not path.is_file():
        return {}
    hashes = {}
    for line in path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")[:-1]:
        digest, gap, rel_path = line.partition("  ")
        if not gap or len(digest) != 64:
            raise DecodeError(f"{path}: expected a hash and a name on each line, got {line[:80]!r}: generate it again")
        inside_path(out, rel_path)
        hashes[rel_path] = digest
    return hashes


def reserved_paths(entries: Mapping[str, Entry]) -> set[PurePosixPath]:
    """Return the paths that labels must not overwrite: the manifest, the hashes and the images."""
    images = {PurePosixPath(entry.output) for entry in entries.values() if entry.output is not None}
    return {PurePosixPath(MANIFEST_NAME), PurePosixPath(HASHES_NAME)} | images
