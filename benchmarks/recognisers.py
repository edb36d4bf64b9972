"""How well the recognisers that ``anonymise`` asks tell people apart, by the face alone.

    python -m benchmarks.recognisers --data celeba-128.tar --table celeba-attributes.csv --identities 9193..

Parses every face, embeds it, and compares all pairs: mean cosine of one person and of two, area under the ROC curve,
equal error rate and the cosine there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from maskgan.assets import shipped_weights
from maskgan.data.labelled import open_labelled
from maskgan.editing.parsing import Parser
from maskgan.editing.recognition import Recogniser, SFaceRecogniser, ShippedRecogniser
from maskgan.metrics.verification import equal_error_rate, roc_auc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="pictures of people, as of maskgan evaluate --task verification")
    parser.add_argument("--table", type=Path, required=True, help="their identities")
    parser.add_argument("--identities", help="only people of these numbers, such as 9193..")
    options = parser.parse_args()
    faces = open_labelled(options.data, options.table, options.identities)
    parse = Parser(shipped_weights("parser"))
    recognisers: list[Recogniser] = [ShippedRecogniser(), SFaceRecogniser()]
    vectors: dict[str, list[np.ndarray]] = {recogniser.name: [] for recogniser in recognisers}
    people = []
    for index in range(len(faces)):
        face = faces[index]
        people.append(face.identity)
        label_map = parse(face.picture)
        for recogniser in recognisers:
            vectors[recogniser.name].append(recogniser(face.picture, label_map))
    first, second = np.triu_indices(len(people), 1)
    alike = np.array(people)[first] == np.array(people)[second]
    print(f"{len(people)} faces of {len(set(people))} people")
    print("| recogniser | cosine of one person | of two persons | ROC AUC | equal error rate | at cosine |")
    print("|---|---|---|---|---|---|")
    for name, found in vectors.items():
        matrix = np.stack(found)
        cosines = (matrix @ matrix.T)[first, second]
        same, different = cosines[alike], cosines[~alike]
        rate, threshold = equal_error_rate(same, different)
        print(
            f"| {name} | {same.mean():.3f} | {different.mean():.3f} | {roc_auc(same, different):.3f} | "
            f"{100 * rate:.1f}% | {threshold:.3f} |"
        )


if __name__ == "__main__":
    main()
