"""What ``maskgan edit --apply`` does with photographs that have no mask."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from maskgan.cli.lines import echo_line

if TYPE_CHECKING:
    from maskgan.cli.recipe_options import RecipeOptions
    from maskgan.editing.photographs import AppliedEdit
    from maskgan.images.content_credentials import Signer


def with_anonymise_options(edits: Sequence[str], keep: str | None, threshold: float | None) -> tuple[str, ...]:
    """Edits as ``--apply`` takes them, with the options of ``anonymise`` in its amount.

    Raises:
        UserError: there are such options, and no ``anonymise``.
    """
    from maskgan.errors import UserError

    given = [f"keep={'+'.join(keep.split(','))}"] if keep is not None else []
    given += [f"threshold={threshold:g}"] if threshold is not None else []
    if not given:
        return tuple(edits)
    result = []
    for text in edits:
        name, _, amount = text.strip().partition("=")
        result.append(f"{name}={':'.join(filter(None, [amount, *given]))}" if name == "anonymise" else text)
    if result == list(edits):
        flag = "--keep" if keep is not None else "--anonymise-threshold"
        raise UserError(f"{flag} has no effect without --apply anonymise")
    return tuple(result)


def unchanged_reason(edits: Sequence[AppliedEdit]) -> str:
    """Why edits left every pixel as it was."""
    from maskgan.editing.named_edits import NamedEdit

    if not edits:
        return "the recipe holds no edits"
    acting = [edit for edit, amount in edits if amount != 0]
    if not acting:
        return "amount 0"
    absent = [edit.name.removeprefix("remove-") for edit in acting if isinstance(edit, NamedEdit) and edit.switch]
    if len(absent) < len(acting):
        return "the face is as the edits make it"
    return f"no {' and no '.join(absent)} {'was' if absent == ['hat'] else 'were'} found"


class PhotographJob(NamedTuple):
    """One photograph."""

    image: Path
    output: Path


def edit_photographs(
    jobs: Sequence[PhotographJob],
    options: RecipeOptions,
    masks: Path | None,
    editor_options: tuple[str | None, str, str],
    signer: Signer | None,
) -> None:
    """Find, edit and put back the faces of photographs.

    Args:
        jobs: what to read and write.
        options: the edits, the faces, and the recipe to write.
        masks: folder for the masks before and after, if they are to be kept.
        editor_options: weights, device and precision.
        signer: who signs the results, if anybody.

    Raises:
        UserError: for a single photograph, it cannot be read or shows no face.
        MaskGANError: some of several failed.
    """
    import numpy as np
    from tqdm import tqdm

    from maskgan.assets import shipped_weights
    from maskgan.cli.batch import run_batch
    from maskgan.cli.opening import open_editor
    from maskgan.editing.face_detection import FaceDetector
    from maskgan.editing.parsing import Parser
    from maskgan.editing.photographs import PhotographEditor, choose_faces
    from maskgan.errors import errors_of
    from maskgan.files import make_folder
    from maskgan.images import read_source, write_label_map
    from maskgan.provenance import write_edited

    source = read_source(jobs[0].image) if len(jobs) == 1 else None  # bad input is told before weights are read
    editor = PhotographEditor(
        open_editor(*editor_options),
        FaceDetector.from_weights(shipped_weights("face-detector"), editor_options[1]),
        Parser(shipped_weights("parser"), editor_options[1]),
    )
    if masks is not None:
        make_folder(masks)
    with tqdm(total=len(jobs), unit="photograph", leave=False, disable=None if len(jobs) > 1 else True) as bar:

        def work(job: PhotographJob) -> None:
            photograph = source or read_source(job.image)
            try:
                found = editor.faces(photograph.picture)
                faces = choose_faces(found, options.recipe.face, str(job.image))
                numbers = [found.index(face) + 1 for face in faces]
                with errors_of(options.name_of(job.image)):
                    result, done = editor.edit(photograph.picture, faces, options.edits, numbers)
            finally:
                bar.update()
            anonymised = any(face.anonymised is not None for face in done)
            # The photograph's own credentials may show the face as it was.
            written = photograph.without_description() if anonymised else photograph
            changed = not np.array_equal(result, photograph.picture)
            write_edited(job.output, result, written, signer, None if anonymised else job.image, changed)
            if not changed:
                echo_line(f"{job.image}: nothing to change: {unchanged_reason(options.edits)}", err=True)
            for number, face in enumerate(done, start=1):
                if face.anonymised is not None:
                    echo_line(f"{job.image}: face {numbers[number - 1]}: {face.anonymised}", err=True)
                if masks is not None:
                    write_label_map(masks / f"{job.image.stem}-{number}-before.png", face.before)
                    write_label_map(masks / f"{job.image.stem}-{number}-after.png", face.after)
            options.save()
            echo_line(job.output)

        run_batch(jobs, work)
