"""How real people from `limner.people` are to a network: parsers trained on them, tested on real photos.

Protocol: two parsers of the same preset, one trained on rendered people only, one on the real training photos, read the
held-out photos (split `test`) of the real data set; IoU of each class over all its pixels, and the mean over skin,
brows, eyes, nose, lips and hair. The quotient of the two means is the measure; the goal is 0.7. Both runs must have
been made before:

    limner data make people-faces --num 5000 --size 64 --out people
    limner train parser --preset cpu --data people --out runs/parser-people
    limner train parser --preset cpu --data REAL --dataset.fix_sides true --out runs/parser-real
    python benchmarks/people_transfer.py --people runs/parser-people --real runs/parser-real --data REAL --fix-sides
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from limner.data.dataset import MaskToImageDataset, collate
from limner.data.manifest import Manifest, open_manifest
from limner.metrics.segmentation import SegmentationMetric
from limner.systems.parser.pipeline import ParserPipeline

CLASSES = ("skin", "l_brow", "r_brow", "l_eye", "r_eye", "nose", "u_lip", "l_lip", "hair")
GOAL = 0.7


def class_iou(parser: ParserPipeline, manifest: Manifest) -> dict[str, float]:
    """IoU of `CLASSES`, in [0, 1], over all photos of `manifest`."""
    photos = MaskToImageDataset(manifest, image_size=parser.image_size)
    schema = manifest.spec.schema
    metric = SegmentationMetric(num_classes=schema.num_classes)
    with torch.inference_mode():
        for index in range(len(photos)):
            batch = collate([photos[index]])
            logits, *_ = parser.components["parser"](batch.image)
            metric.update(logits.argmax(1), batch.label_map)
    iou = metric.compute().iou
    return {name: float(iou[schema.id(name)]) for name in CLASSES}


def main() -> None:
    """Read the options, measure, print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--people", required=True, help="parser trained on rendered people: run or weights folder")
    options.add_argument("--real", required=True, help="parser trained on real photos")
    options.add_argument("--data", type=Path, required=True, help="the real data set")
    options.add_argument("--fix-sides", action="store_true", help="correct maps whose left and right are exchanged")
    given = options.parse_args()
    manifest = open_manifest(given.data, fix_sides=given.fix_sides).split("test")
    people, real = (class_iou(ParserPipeline.from_pretrained(name), manifest) for name in (given.people, given.real))
    rows = [(name, people[name], real[name]) for name in CLASSES]
    rows.append(("mean", *(sum(side.values()) / len(CLASSES) for side in (people, real))))
    print(f"{len(manifest)} held-out photos\n")
    print("| class | trained on people | trained on photos | quotient |\n| --- | ---: | ---: | ---: |")
    for name, synthetic, photos in rows:
        print(f"| {name} | {synthetic:.1%} | {photos:.1%} | {synthetic / photos:.2f} |")
    quotient = rows[-1][1] / rows[-1][2]
    print(f"\nquotient of the means {quotient:.2f}, goal {GOAL}: {'reached' if quotient >= GOAL else 'not reached'}")


if __name__ == "__main__":
    main()
