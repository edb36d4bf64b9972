"""``maskgan edit``: a face follows an edited mask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import (
    FiniteRange,
    given_options,
    nearest_colour_option,
    network_options,
    order_option,
    overwrite_option,
    resolve_device,
    sign_option,
)
from maskgan.cli.refining import refine_option, refine_source

if TYPE_CHECKING:
    from maskgan.images import SourceImage
    from maskgan.labels import LabelMap


class _Job(NamedTuple):
    image: Path
    mask: Path
    edited: Path | None
    output: Path


@click.command("edit", short_help="Render an edited mask, or copy a style.")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(path_type=Path))
@click.option(
    "--apply",
    "edits",
    multiple=True,
    metavar="EDIT[=AMOUNT]",
    help="An edit by name, such as smile=0.6; see maskgan edits. Several are applied in turn.",
)
@click.option(
    "--recipe", type=click.Path(path_type=Path), metavar="FILE", help="Do what a recipe says, before any --apply."
)
@click.option(
    "--save-recipe",
    type=click.Path(path_type=Path),
    metavar="FILE.json",
    help="Write what was done as a recipe, for --recipe and maskgan bulk.",
)
@click.option(
    "--keep",
    metavar="PART,...",
    help="What anonymise leaves as it is: eyes, brows, nose, mouth.",
)
@click.option(
    "--anonymise-threshold",
    type=FiniteRange(-1, 1),
    metavar="COSINE",
    help="From which likeness a person counts as known to anonymise.  [default: the recogniser's own]",
)
@click.option(
    "--face",
    "which",
    metavar="largest|all|N|X,Y",
    help="Which faces of a photograph; see maskgan faces.  [default: as the recipe says, else largest]",
)
@click.option("--save-masks", type=click.Path(path_type=Path), help="Folder for the masks before and after.")
@click.option("--mask", type=click.Path(path_type=Path), help="The image's own mask, or a folder of masks.")
@click.option("--edited", type=click.Path(path_type=Path), help="The mask after editing, or a folder of masks.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Image to write, or folder for several."
)
@click.option(
    "--blend",
    type=click.Choice(["full", "region"]),
    default="region",
    show_default=True,
    help="full: the generated image; region: the source's own pixels far from the edit.",
)
@refine_option
@click.option("--style", type=click.Path(path_type=Path), help="Reference image whose style is copied.")
@click.option("--style-mask", type=click.Path(path_type=Path), help="The reference image's own mask.")
@click.option(
    "--style-parts",
    metavar="CLASS,...",
    help="Copy the style of these classes alone, such as hair,u_lip,l_lip; see maskgan labels.  [default: everything]",
)
@click.option(
    "--style-strength",
    type=FiniteRange(0, 1),
    default=1.0,
    show_default=True,
    help="Fraction of the reference's style in the mix.",
)
@order_option
@nearest_colour_option
@sign_option
@overwrite_option
@network_options
@click.pass_context
def command(
    context: click.Context,
    /,
    images: tuple[Path, ...],
    edits: tuple[str, ...],
    recipe: Path | None,
    save_recipe: Path | None,
    keep: str | None,
    anonymise_threshold: float | None,
    which: str | None,
    save_masks: Path | None,
    mask: Path | None,
    edited: Path | None,
    output: Path,
    blend: str,
    refine: int | None,
    style: Path | None,
    style_mask: Path | None,
    style_parts: str | None,
    style_strength: float,
    order: str,
    nearest_colour: bool,
    sign: tuple[Path, Path] | None,
    overwrite: bool,
    weights: str | None,
    device: str | None,
    precision: str,
) -> None:
    """Edit faces in photographs: by name, by an edited mask, or with the style of another face.

    With --apply or --recipe and no --mask, the faces of each IMAGE are found, edited and put back; every pixel that the
    edits may not change stays as it is.

    With --mask, IMAGE is one framed face, which follows the mask --edited, or the named edits or the recipe on its own
    mask, or copies the style of another face. Where the style of everything is copied, the result is the generated
    image, as with --blend full.

    The result has the size of IMAGE and keeps its metadata and colour profile. Masks are label maps (values 0..18) or
    colour masks; 'maskgan labels' lists them. For several images, or a folder of them, --mask, --edited and -o are
    folders, in which each mask has the name of its image.
    """
    import numpy as np

    from maskgan.cli.batch import companion, expand_inputs, is_batch, outputs_for, run_batch
    from maskgan.cli.edit_photographs import PhotographJob, edit_photographs, unchanged_reason, with_anonymise_options
    from maskgan.cli.opening import open_editor, open_signer_for, require_writable, require_writable_file
    from maskgan.cli.recipe_options import RecipeOptions
    from maskgan.editing.photographs import apply_edits, lock_pixels, paint_looks
    from maskgan.errors import UserError, errors_of
    from maskgan.files import check_outputs, make_folder
    from maskgan.images import fit_label_map, read_picture, read_source
    from maskgan.provenance import write_edited

    _check_applicable(given_options(context))
    edits = with_anonymise_options(edits, keep, anonymise_threshold)
    by_name = bool(edits) or recipe is not None
    if mask is None and not by_name:
        raise UserError("nothing to do: give --apply EDIT ('maskgan edits' lists them), or --mask and --edited")
    options = RecipeOptions(recipe, save_recipe, edits, which, weights)
    given = [path for path in (recipe, style, style_mask) if path is not None]
    written = [] if save_recipe is None else [save_recipe]
    for path in written:
        require_writable_file(path)
    if mask is None:
        photographs, several = expand_inputs(images), is_batch(images)
        targets = outputs_for(photographs, output, several)
        check_outputs([*targets, *written], [*photographs, *given], overwrite)
        if several:
            make_folder(output)
        for path in targets:
            require_writable(path)
        signer = open_signer_for(sign, targets)
        edit_photographs(
            [PhotographJob(*pair) for pair in zip(photographs, targets, strict=True)],
            options,
            save_masks,
            (weights, resolve_device(device), precision),
            signer,
        )
        return
    if by_name and edited is not None:
        raise UserError("--edited says what the mask becomes, as --apply and --recipe do; give one of them")
    if edited is None and style is None and not by_name:
        raise UserError("nothing to do: give --edited, a mask to follow, or --style, a reference image")
    if (style is None) != (style_mask is None):
        raise UserError("--style and --style-mask belong together; give both")
    sources, batch = expand_inputs(images), is_batch(images)
    if images[0].is_dir() and not mask.is_dir():
        raise UserError(f"{images[0]}: is a folder; a file is needed here, or folders for --mask and --edited too")
    if batch and not mask.is_dir():
        raise UserError(f"--mask {mask}: for several images a folder of masks is needed")
    outputs = outputs_for(sources, output, batch)
    jobs = [
        _Job(
            source,
            companion(mask, source, "--mask"),
            None if edited is None else companion(edited, source, "--edited"),
            target,
        )
        for source, target in zip(sources, outputs, strict=True)
    ]
    if save_recipe is not None and edited is not None and len(jobs) > 1:
        raise UserError("--save-recipe holds what was painted on one mask; give one IMAGE, or leave out --edited")
    read = [path for job in jobs for path in (job.image, job.mask, job.edited) if path is not None]
    check_outputs([*outputs, *written], [*read, *given], overwrite)
    if batch:
        make_folder(output)
    for path in outputs:
        require_writable(path)
    signer = open_signer_for(sign, outputs)

    def prepare(job: _Job) -> tuple[SourceImage, LabelMap, LabelMap]:
        source = read_source(job.image)
        masks = [
            fit_label_map(_read_mask(path, order, nearest_colour), source.picture, str(path), str(job.image))
            for path in (job.mask, job.edited)
            if path is not None
        ]
        with errors_of(options.name_of(job.mask)):
            return source, masks[0], apply_edits(masks[-1], options.edits)

    # Bad input is told before the weights are read.
    prepared = None if batch else prepare(jobs[0])
    parts = None if style_parts is None else [part.strip() for part in style_parts.split(",")]
    other = None
    if style is not None and style_mask is not None:
        style_picture = read_picture(style)
        label_map = _read_mask(style_mask, order, nearest_colour)
        other = style_picture, fit_label_map(label_map, style_picture, str(style_mask), str(style))
        if parts is not None:
            _warn_of_absent_parts(parts, other[1], style_mask)
    replaces_style = other is not None and parts is None and style_strength == 1
    if replaces_style and refine:
        raise UserError("--refine has no effect where the style of everything is copied: nothing of IMAGE's is left")
    editor = open_editor(weights, resolve_device(device), precision)

    def edit(job: _Job) -> None:
        source, before, after = prepared or prepare(job)
        editor.set_source(source.picture, before)
        if other is not None:
            editor.set_style(*other, style_strength, parts)
        refine_source(editor, refine, draws_person=blend == "full" and not replaces_style)
        editor.set_mask(after)
        result = editor.render("full" if blend == "full" else "region")
        if options.edits and blend == "region" and other is None:
            result = lock_pixels(source.picture, result, (before, after), options.edits)
        with errors_of(options.name_of(job.mask)):
            result = paint_looks(result, after, options.edits)
        changed = not np.array_equal(result, source.picture)
        write_edited(job.output, result, source, signer, job.image, changed)
        if not changed:
            reason = unchanged_reason(options.edits) if by_name else "the edited mask is the image's own"
            echo_line(f"{job.image}: nothing to change: {reason}", err=True)
        if edited is not None:
            options.paint(before, after)
        options.save()
        echo_line(job.output)

    run_batch(jobs, edit)


_NEED_MASK = (
    *("edited", "style", "style_mask", "style_parts", "style_strength"),
    *("refine", "blend", "order", "nearest_colour"),
)
_NEED_STYLE = ("style_parts", "style_strength")
_NOT_IN_RECIPES = ("style", "refine", "blend")
_EXCLUDE_MASK = ("which", "save_masks")
_FLAGS = {"which": "--face"}


def _check_applicable(given: list[str]) -> None:
    """Refuse options that have no effect.

    Args:
        given: names of the options on the command line.

    Raises:
        UserError: naming the first such option.
    """
    from maskgan.errors import UserError

    for name in given:
        flag = _FLAGS.get(name, f"--{name.replace('_', '-')}")
        if "mask" not in given and name in _NEED_MASK:
            raise UserError(f"{flag} needs --mask, the image's own mask; 'maskgan parse' makes one")
        if "mask" in given and name in _EXCLUDE_MASK:
            raise UserError(f"{flag} has no effect with --mask: IMAGE is one framed face then")
        if "style" not in given and "style_mask" not in given and name in _NEED_STYLE:
            raise UserError(f"{flag} has no effect without --style; give --style and --style-mask too")
        if "save_recipe" in given and name in _NOT_IN_RECIPES:
            raise UserError(f"--save-recipe holds edits and painted labels, not {flag}; leave one of them out")


def _read_mask(path: Path, order: str, nearest_colour: bool) -> LabelMap:
    """A mask in CelebAMask-HQ order; what looks wrong in it is warned of."""
    from maskgan.images import read_label_map
    from maskgan.mask_check import warn_of_issues

    label_map = read_label_map(path, order, nearest_colour)
    if order != "auto":
        warn_of_issues(label_map, str(path), order_known=True)
    return label_map


def _warn_of_absent_parts(parts: list[str], label_map: LabelMap, path: Path) -> None:
    """Say which of the parts whose style is to be copied the reference does not show."""
    import logging

    from maskgan.labels import CLASSES, class_indices

    for index in class_indices(parts, "--style-parts"):
        if not (label_map == index).any():
            name = CLASSES[index].name
            logging.getLogger(__name__).warning("--style-parts: %s has no %s, so its style is not copied", path, name)
