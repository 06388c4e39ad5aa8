"""Inference of the systems that paint captions: captions and seeds in, pictures out.

Every mode makes a `GenerationPlan` and draws it; `pipe.sequence.plan(...)` gives the plan alone. A plan holds numbers
of words, and so says all that decides a picture.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from limner.data.size import SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, WeightsError
from limner.inputs import checked_words, seed_range, to_pictures, usual_batch_size, whole_number
from limner.mode import mode, plan_of
from limner.nn.text_to_image import Blend, CaptionGenerator, Kept
from limner.pipelines import ExportTarget, Pipeline
from limner.plan import Condition, GenerationPlan
from limner.results import GenerationResult
from limner.text_to_image.encoders import ImageEncoder, TextEncoder, is_word
from limner.text_to_image.words import (
    MAX_WORDS,
    NOWHERE,
    Named,
    ReadCaption,
    as_rows,
    file_stem,
    named_rows,
    read_caption,
    read_captions,
    replaced,
    swapped,
    vocabulary_of,
)

PICTURE, COARSE, FINE, DIFFERENCE = range(4)
"""What a row of a plan shows: the picture, a word's share at two levels, how it differs from the kept caption's."""
MAX_BETWEEN = 1_000
MAX_CANDIDATES = 1_000
ONNX_WORDS = (16, 32, MAX_WORDS)
"""Lengths that ONNX Runtime paints captions of: each is exported by itself, and what attends to words takes time for
each of them."""


class CaptionPipeline(Pipeline):
    """Base of the pipelines that paint captions.

    Example:
        >>> pipe = limner.load("hfgan")
        >>> pipe("a woman with long red hair", num_images=4).save("woman")
        >>> pipe.sequence(["a young man", "an old man"], frames_between=10).save("years")
    """

    variant_networks = frozenset({"image_encoder"})
    torch_networks = frozenset({"text_encoder"})  # it packs captions
    has_attention = True
    """Whether the generator attends to words."""

    def __init__(self, *, spec: DataSpec, size: SizeLike, **networks: nn.Module) -> None:
        super().__init__(spec=spec, size=size, **networks)
        words, known = self.config("text_encoder")["num_words"], len(vocabulary_of(spec))
        if words != known:
            raise WeightsError(
                f"The text encoder knows {words} words, but the vocabulary beside it has {known}: they are of two "
                "trainings."
            )
        found = self.config("generator")["image_size"]
        if found != self.image_size:
            raise WeightsError(f"The generator paints {found} px, but the data description asks for {self.image_size}.")

    @classmethod
    @abstractmethod
    def generator_class(cls) -> type[CaptionGenerator]:
        """Of the system."""

    @classmethod
    def network_classes(cls) -> dict[str, type[nn.Module]]:
        """The generator and who reads captions; the image encoder only ranks."""
        return {"generator": cls.generator_class(), "text_encoder": TextEncoder, "image_encoder": ImageEncoder}

    @mode
    def pictures(
        self,
        caption: str | Sequence[str],
        *,
        seed: int = 0,
        num_images: int = 1,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """Pictures of captions: a row a caption, a column a seed.

        Args:
            caption: one or several sentences. Words that the weights do not know are left out and named in a warning.
            seed: of the first picture of each caption.
            num_images: pictures of each caption, a seed each.
            batch_size: pictures in one pass; 1 on the CPU and 16 elsewhere by default.

        Raises:
            ConfigError: if there is no caption, one has no known word, or a number is out of range.
        """
        captions = self.read(caption)
        seeds = seed_range(seed, num_images)
        several = len(captions) > 1
        names = [
            f"{number:03d}-{file_stem(one)}-seed-{each:06d}" for number, one in enumerate(captions) for each in seeds
        ]
        settings: dict[str, Any] = {"mode": "pictures", "captions": [one.text[:1000] for one in captions]}
        if several or num_images > 1:
            settings["columns"] = num_images
        plan = self._plan(
            captions,
            [number for number in range(len(captions)) for _ in seeds],
            seeds * len(captions),
            settings=settings,
            batch_size=batch_size,
        )
        return replace(plan, names=names if several else None)

    __call__ = pictures
    plan = plan_of(pictures)

    @mode
    def sequence(
        self,
        captions: Sequence[str],
        *,
        everywhere: bool = False,
        seed: int = 0,
        frames_between: int = 0,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """One picture for each caption of a story, all of one latent, so that only what the words change changes.

        Where the generator attends to words, a picture differs from the first one only where the words count in which
        its caption differs from the first one (`place_of`); of other generators, and with `everywhere`, each picture is
        that of its whole caption.

        Args:
            captions: in order, at least two.
            everywhere: let pictures change everywhere.
            seed: of all of them.
            frames_between: pictures on the way from each caption to the next: the sentence's condition, what the words
                say at each pixel and the places of change are mixed.
            batch_size: see `pictures`.

        Raises:
            ConfigError: if there are not two captions, one has no known word, or a number is out of range.
        """
        read = self.read(captions)
        if len(read) < 2:
            raise ConfigError("A sequence needs at least two captions.")
        between = whole_number("frames_between", frames_between, 0, MAX_BETWEEN)
        (seed,) = seed_range(seed, 1)
        first, second, amounts = [], [], []
        for number in range(len(read)):
            steps = between + 1 if number + 1 < len(read) else 1
            first += [number] * steps
            second += [min(number + 1, len(read) - 1)] * steps
            amounts += [step / (between + 1) for step in range(steps)]
        settings: dict[str, Any] = {
            "mode": "sequence",
            "columns": len(first),
            "captions": [one.text[:1000] for one in read],
            "frames_between": between,
        }
        if self.has_attention:
            settings["changes"] = "everywhere" if everywhere else "where words count"
        return self._plan(
            read,
            first,
            [seed] * len(first),
            others=second,
            amounts=amounts,
            **(_named_between(read, first, second) if self.has_attention and not everywhere else {}),
            names=[f"frame-{number:04d}" for number in range(len(first))],
            settings=settings,
            batch_size=batch_size,
        )

    @mode
    def swap(
        self,
        caption: str,
        old: str,
        new: str,
        *,
        where: str | None = None,
        everywhere: bool = False,
        seed: int = 0,
        num_images: int = 1,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """A caption, the same with a word or phrase replaced, and what that changed (times 2), for each seed.

        Where the generator attends to words, the picture changes only where the replaced words count (`place_of`), and
        stays elsewhere; of other generators, and with `everywhere`, the second picture is that of the whole caption.

        Args:
            caption: a sentence.
            old: words in it.
            new: words in their place.
            where: words of either caption that say where the picture may change; none: the words in which they differ
                and the one after them, which they are likely to describe.
            everywhere: let the picture change everywhere.
            seed: of the first row.
            num_images: rows.
            batch_size: see `pictures`.

        Raises:
            ConfigError: if the words are not in the caption, or not known, or `where` is given with `everywhere`.
            WeightsError: if `where` is given and these weights attend to no words.
        """
        if where is not None and everywhere:
            raise ConfigError("A word is swapped where other words say, or everywhere; give one of the two.")
        if where is not None:
            self._check_attention()
        found = swapped(caption, old, new, vocabulary_of(self.spec), where=where)
        seeds = seed_range(seed, num_images)
        views = (("before", 0, PICTURE), ("after", 1, PICTURE), ("difference", 1, DIFFERENCE))
        settings = {"mode": "swap", "columns": 3, "caption": caption[:1000], "old": old[:100], "new": new[:100]}
        is_local = self.has_attention and not everywhere
        if self.has_attention:
            settings["changes"] = "where words count" if is_local else "everywhere"
            settings |= {} if where is None else {"where": where[:100]}
        return self._plan(
            [found.before, found.after],
            [number for _ in seeds for _, number, _ in views],
            [each for each in seeds for _ in views],
            kept=0,
            named=[found.named if number else NOWHERE for _ in seeds for _, number, _ in views] if is_local else None,
            views=[view for _ in seeds for *_, view in views],
            names=[f"seed-{each:06d}-{name}" for each in seeds for name, *_ in views],
            settings=settings,
            batch_size=batch_size,
        )

    @mode
    def attention(self, caption: str, *, seed: int = 0, batch_size: int | None = None) -> GenerationPlan:
        """The picture, and where each word of the caption counts: a row for the coarse level, and one for the fine one.

        Bright: there the word has more than twice its even share (AttnGAN's rendering).

        Args:
            caption: a sentence.
            seed: of the picture.
            batch_size: see `pictures`.

        Raises:
            WeightsError: if these weights attend to no words.
            ConfigError: if the caption has no known word.
        """
        self._check_attention()
        (read,) = self.read(caption)
        (seed,) = seed_range(seed, 1)
        names, views, words = [], [], []
        for level, view in (("coarse", COARSE), ("fine", FINE)):
            names += [f"{level}-picture"] + [f"{level}-{number:02d}-{word}" for number, word in enumerate(read.words)]
            views += [PICTURE] + [view] * len(read.ids)
            words += [0, *range(len(read.ids))]
        return self._plan(
            [read],
            [0] * len(names),
            [seed] * len(names),
            views=views,
            places=words,
            names=names,
            settings={"mode": "attention", "columns": 1 + len(read.ids), "caption": caption[:1000]},
            batch_size=batch_size,
        )

    def attention_maps(self, caption: str, *, seed: int = 0) -> tuple[list[str], tuple[Float[Tensor, "t h w"], ...]]:
        """The known words of a caption, and the share of each at every pixel of both levels.

        Raises:
            WeightsError, ConfigError: as `attention`.
        """
        self._check_attention()
        read = read_caption(caption, vocabulary_of(self.spec))
        plan = self.pictures.plan(caption, seed=seed)
        with self.inference():
            _, shares = self._painted(plan, range(1))
        return list(read.words), tuple(one[0].float().cpu() for one in shares)

    def rank(
        self,
        caption: str,
        *,
        seed: int = 0,
        num_candidates: int = 16,
        num_images: int = 4,
        batch_size: int | None = None,
    ) -> GenerationResult:
        """The pictures, of many seeds, that fit a caption best by these weights' own DAMSM, the best first.

        Args:
            caption: a sentence.
            seed: of the first candidate.
            num_candidates: seeds that are tried.
            num_images: how many of them are kept.
            batch_size: see `pictures`.

        Raises:
            WeightsError: if these weights have no image encoder.
            ConfigError: if the caption has no known word, or a number is out of range.
        """
        return self.render(
            self.ranked_plan(
                caption, seed=seed, num_candidates=num_candidates, num_images=num_images, batch_size=batch_size
            )
        )

    def ranked_plan(
        self,
        caption: str,
        *,
        seed: int = 0,
        num_candidates: int = 16,
        num_images: int = 4,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """The plan of `rank`; candidates are drawn to make it."""
        if "image_encoder" not in self.components:
            raise WeightsError("These weights have no image encoder to rank with: they were trained without a DAMSM.")
        candidates = whole_number("num_candidates", num_candidates, 1, MAX_CANDIDATES)
        kept = whole_number("num_images", num_images, 1, candidates)
        plan = self.pictures.plan(caption, seed=seed, num_images=candidates, batch_size=batch_size)
        scores = []
        with self.inference():
            for start in range(0, candidates, plan.batch_size):
                rows = range(start, min(start + plan.batch_size, candidates))
                scores.append(self._fit(plan, rows))
        order = torch.cat(scores).argsort(descending=True, stable=True)[:kept].tolist()
        seeds = [plan.seeds[number] for number in order]
        settings = {"mode": "rank", "captions": plan.settings["captions"], "candidates": candidates, "columns": kept}
        names = [f"{place:03d}-seed-{each:06d}" for place, each in enumerate(seeds)]
        words = {"words": plan.conditions["words"][:1]}
        return replace(plan, seeds=seeds, settings=settings, conditions=words, names=names)

    def _fit(self, plan: GenerationPlan, rows: range) -> Float[Tensor, " b"]:
        """The cosine of each picture and its sentence."""
        images, _ = self._painted(plan, rows)
        _, sentence, _ = self._codes(plan.condition("words", rows))
        _, code = self.components["image_encoder"](images[-1].float())
        return functional.cosine_similarity(code.float(), sentence.float(), dim=1).cpu()

    def paint_batch(self, words: Tensor, seeds: Sequence[int]) -> Float[Tensor, "b 3 h w"]:
        """Pictures in [-1, 1] of captions in numbers (b, t), as files hold them, for evaluations.

        Raises:
            ShapeError: if they are no such numbers.
        """
        words = checked_words(words, len(vocabulary_of(self.spec)))
        plan = GenerationPlan(list(seeds), {}, {"words": words.cpu().numpy()}, batch_size=max(1, len(words)))
        with self.inference():
            images, _ = self._painted(plan, range(len(words)))
        return _in_bytes(images[-1])

    def paint_swap(
        self, caption: str, old: str, new: str, *, seed: int = 0, everywhere: bool = False
    ) -> Float[Tensor, "2 3 h w"]:
        """The pictures before and after a `swap` in [-1, 1], as files hold them, for evaluations.

        Raises:
            ConfigError: as `swap`.
        """
        plan = self.swap.plan(caption, old, new, everywhere=everywhere, seed=seed)
        with self.inference():
            first, second = (self._painted(plan, range(row, row + 1))[0][-1] for row in range(2))
        return _in_bytes(torch.cat([first, second]))

    def read(self, captions: str | Sequence[str]) -> list[ReadCaption]:
        """Captions in numbers.

        Raises:
            ConfigError: if there is none, or one has no known word.
        """
        return read_captions(captions, vocabulary_of(self.spec))

    def plan_conditions(self) -> Mapping[str, Condition]:
        """Words; the next caption and how far it counts; the one that is kept, and which words say where it is not;
        what is shown, of which word; what is left out."""
        last = len(vocabulary_of(self.spec)) - 1
        words = Condition("int64", (None,), 0, last)
        return {
            "words": words,
            "other_words": replace(words, is_required=False),
            "amount": Condition("float32", (), 0, 1, is_required=False),
            "kept_words": replace(words, is_required=False),
            "named": Condition("int64", (2, None), 0, 1, is_required=False),
            "other_named": Condition("int64", (2, None), 0, 1, is_required=False),
            "view": Condition("int64", (), 0, DIFFERENCE, is_required=False),
            "place": Condition("int64", (), 0, MAX_WORDS - 1, is_required=False),
            "without": Condition("int64", (2,), -1, 2, is_required=False),
        }

    def check_plan(self, plan: GenerationPlan) -> None:
        """See `Pipeline`; also captions without words.

        Raises:
            ConfigError, ShapeError: naming what is wrong.
        """
        super().check_plan(plan)
        plan.seeds_of(range(len(plan.seeds)))
        for name in ("words", "other_words", "kept_words"):
            rows = plan.conditions.get(name)
            if rows is not None and not (
                1 <= rows.shape[1] <= MAX_WORDS
                and (rows[:, 0] > 0).all()
                and (np.diff((rows > 0).astype(np.int8), axis=1) <= 0).all()
            ):
                raise ConfigError(f'The plan\'s "{name}" are no captions: words come first, and zeros after them.')
        if {"other_words", "amount"} & set(plan.conditions) and not {"other_words", "amount"} <= set(plan.conditions):
            raise ConfigError('The plan has one of "other_words" and "amount"; it must have both or none.')
        if {"named", "other_named"} & set(plan.conditions):
            self._check_named(plan)
        if "view" in plan.conditions:
            self._check_views(plan)

    def _check_named(self, plan: GenerationPlan) -> None:
        self._check_attention()
        given = set(plan.conditions)
        if not {"named", "kept_words"} <= given or ("other_named" in given) != ("other_words" in given):
            raise ConfigError(
                'The plan\'s "named" goes with "kept_words", and where there are "other_words" with "other_named".'
            )
        names = given & {"words", "other_words", "kept_words", "named", "other_named"}
        if len({plan.conditions[name].shape[-1] for name in names}) > 1:
            raise ConfigError(f"The plan's {', '.join(sorted(names))} must be of one length; fill them up with zeros.")

    def _check_views(self, plan: GenerationPlan) -> None:
        view = plan.conditions["view"]
        if (view == DIFFERENCE).any() and "kept_words" not in plan.conditions:
            raise ConfigError('The plan shows a difference, but has no "kept_words" to say from what.')
        if np.isin(view, (COARSE, FINE)).any():
            self._check_attention()
            if "place" not in plan.conditions or plan.conditions["place"].max() >= plan.conditions["words"].shape[1]:
                raise ConfigError('The plan shows words, but its "place" does not say which, or one that is not there.')

    def _check_attention(self) -> None:
        if not self.has_attention:
            raise WeightsError(f"{self.name} attends to no words, so there is nothing to show of them.")

    def _plan(
        self,
        captions: Sequence[ReadCaption],
        numbers: Sequence[int],
        seeds: Sequence[int],
        *,
        settings: dict[str, Any],
        others: Sequence[int] | None = None,
        amounts: Sequence[float] | None = None,
        kept: int | None = None,
        named: Sequence[Named] | None = None,
        other_named: Sequence[Named] | None = None,
        views: Sequence[int] | None = None,
        places: Sequence[int] | None = None,
        without: Sequence[tuple[int, int]] | None = None,
        names: list[str] | None = None,
        batch_size: int | None = None,
    ) -> GenerationPlan:
        """A plan of pictures of the captions of these numbers.

        Args:
            captions: all that occur.
            numbers: of the caption of each picture.
            seeds: of each picture.
            settings: of the plan.
            others: number of the caption that each picture is on the way to.
            amounts: how far.
            kept: number of the caption whose picture is kept outside of the named words' places, or compared with.
            named: of each picture: the words that say where, in the kept caption and in its own.
            other_named: of each picture: such words in the kept caption and in the one that it is on the way to.
            views: what is shown.
            places: of the word that is shown.
            without: what is left out.
            names: of the files.
            batch_size: pictures in one pass.
        """
        rows = as_rows(captions)
        conditions: dict[str, Any] = {"words": rows[list(numbers)]}
        if others is not None and amounts is not None:
            conditions |= {"other_words": rows[list(others)], "amount": np.array(amounts, np.float32)}
        if kept is not None:
            conditions["kept_words"] = np.repeat(rows[kept : kept + 1], len(numbers), axis=0)
        for name, pairs in (("named", named), ("other_named", other_named)):
            if pairs is not None:
                conditions[name] = np.stack([named_rows(one, rows.shape[1]) for one in pairs])
        for name, values in (("view", views), ("place", places), ("without", without)):
            if values is not None:
                conditions[name] = np.array(values, np.int64)
        return GenerationPlan(
            list(seeds),
            settings,
            conditions,
            batch_size=usual_batch_size(self.device) if batch_size is None else batch_size,
            names=names,
        )

    def _codes(
        self, rows: np.ndarray[Any, np.dtype[np.int64]]
    ) -> tuple[Float[Tensor, "b e t"], Float[Tensor, "b e"], Bool[Tensor, "b t"]]:
        words = torch.from_numpy(rows.copy()).to(self.device)
        there = is_word(words)
        codes, sentence = self.components["text_encoder"](words, there.sum(dim=1))
        return codes, sentence, there

    def _noise(self, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Latent and noise of the condition, of each seed alone."""
        config = self.config("generator")
        sizes = [config["latent_size"], config["condition_size"]]
        rows = [torch.randn(sum(sizes), generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        latent, noise = torch.stack(rows).to(self.device).split(sizes, dim=1)
        return latent, noise

    def _painted(
        self, plan: GenerationPlan, rows: range, *, only_kept: bool = False
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Images and attention of those rows; with `only_kept` of the kept caption alone."""
        generator = cast(CaptionGenerator, self.components["generator"])
        latent, noise = self._noise(plan.seeds_of(rows))
        named = [plan.condition(name, rows) for name in ("named", "other_named") if name in plan.conditions]
        only_kept = only_kept or (bool(named) and not any(one.any() for one in named))
        codes, sentence, there = self._codes(plan.condition("kept_words" if only_kept else "words", rows))
        condition, mean, log_variance = generator.condition(sentence, noise)
        blend = None
        if "other_words" in plan.conditions and not only_kept:
            amount = torch.from_numpy(plan.condition("amount", rows).copy()).to(self.device)
            other_codes, other_sentence, other_there = self._codes(plan.condition("other_words", rows))
            _, other_mean, other_log_variance = generator.condition(other_sentence, noise)
            mean = torch.lerp(mean, other_mean, amount[:, None])
            log_variance = torch.lerp(log_variance, other_log_variance, amount[:, None])
            condition = mean + noise * (0.5 * log_variance).exp()
            blend = Blend(other_codes, other_there, amount)
        if named and not only_kept:
            kept = self._kept(plan, rows, generator, noise, named)
            return generator.paint(latent, condition, codes, there, blend=blend, kept=kept)
        return self._paint(plan, rows, generator, (latent, condition, codes, there), blend)

    def _kept(
        self,
        plan: GenerationPlan,
        rows: range,
        generator: CaptionGenerator,
        noise: Tensor,
        named: Sequence[np.ndarray[Any, np.dtype[np.int64]]],
    ) -> Kept:
        """The kept captions, and the words that say where they are not kept."""
        codes, sentence, there = self._codes(plan.condition("kept_words", rows))
        condition, _, _ = generator.condition(sentence, noise)
        where = [torch.from_numpy(one.copy()).to(self.device).bool().transpose(0, 1).flatten(0, 1) for one in named]
        return Kept(condition, codes, there, *where)

    def _paint(
        self,
        plan: GenerationPlan,
        rows: range,
        generator: CaptionGenerator,
        given: tuple[Tensor, Tensor, Tensor, Tensor],
        blend: Blend | None,
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        length = given[2].shape[2]
        if (
            self._runs_onnx
        ):  # few lengths for all captions, as each is exported by itself; nothing looks at what is added
            longest = max(length, 0 if blend is None else blend.words.shape[2])
            whole = next(one for one in ONNX_WORDS if one >= longest)
            given = (*given[:2], *_filled_words(*given[2:], whole))
            blend = blend and Blend(*_filled_words(blend.words, blend.is_word, whole), blend.amount)
        images, attention = self.joined("paint")(*given, blend)
        return images, tuple(share[:, :length] for share in attention)

    def joined_networks(self) -> dict[str, nn.Module]:
        """`paint`: the generator behind the condition of the sentence."""
        return {"paint": _Paint(cast(CaptionGenerator, self.components["generator"]))}

    def _draw(self, plan: GenerationPlan, rows: range) -> list[Image.Image]:
        images, attention = self._painted(plan, rows)
        shown = images[-1].float()
        if "view" in plan.conditions:
            shown = shown.clone()
            views = plan.condition("view", rows)
            if (views == DIFFERENCE).any():
                kept = self._painted(plan, rows, only_kept=True)[0][-1].float()
                change = (2 * (shown - kept).abs() - 1).clamp(-1, 1)
                shown[views == DIFFERENCE] = change[views == DIFFERENCE]
            for row in np.flatnonzero((views == COARSE) | (views == FINE)):
                place = int(plan.condition("place", rows)[row])
                share = attention[int(views[row] == FINE)][row]
                shown[row] = highlighted(
                    images[-1][row].float(), share[place].float(), int((share.amax((1, 2)) > 0).sum())
                )
        return to_pictures(shown)

    def export_targets(self) -> dict[str, ExportTarget]:
        """`generator` (latent, condition, words, is_word -> image), behind the text encoder, which packs captions."""
        config, device = self.config("generator"), self.device

        def example(batch: int) -> tuple[Tensor, ...]:
            random = torch.Generator().manual_seed(batch)
            code_size = int(self.config("text_encoder")["code_size"])
            sizes = ((batch, config["latent_size"]), (batch, code_size), (batch, code_size, 6))
            tensors = [torch.randn(*size, generator=random).to(device) for size in sizes]
            noise = torch.zeros(batch, config["condition_size"]).to(device)
            return tensors[0], noise, tensors[1], tensors[2], torch.ones(batch, 6, dtype=torch.bool).to(device)

        generator = cast(CaptionGenerator, self.components["generator"])
        names = ("latent", "noise", "sentence", "words", "is_word")
        return {
            "generator": ExportTarget(_Tensors(generator, self.joined_networks()["paint"]), names, ("image",), example)
        }


class _Paint(nn.Module):
    """A generator's `paint`."""

    def __init__(self, network: CaptionGenerator) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, latent: Tensor, condition: Tensor, words: Tensor, is_word: Tensor, blend: Blend | None
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """See `CaptionGenerator.paint`."""
        return self.network.paint(latent, condition, words, is_word, blend=blend)


def _named_between(captions: Sequence[ReadCaption], first: Sequence[int], second: Sequence[int]) -> dict[str, Any]:
    """Arguments of `_plan` for pictures on the way from captions to others, of which the first caption's is kept.

    The kept caption itself changes nothing, so next to it counts where the other one of the two does.
    """
    found = [replaced(captions[0].ids, one.ids) for one in captions]

    def named(one: int, beside: int) -> Named:
        return found[one] if any(found[one]) else (found[beside][0], found[beside][0])

    return {
        "kept": 0,
        "named": [named(one, other) for one, other in zip(first, second, strict=True)],
        "other_named": [named(other, one) for one, other in zip(first, second, strict=True)],
    }


def _in_bytes(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Pictures in [-1, 1] with the 256 levels of a file."""
    return ((image.float().clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1


def _filled_words(
    words: Float[Tensor, "b e t"], there: Bool[Tensor, "b t"], length: int
) -> tuple[Float[Tensor, "b e n"], Bool[Tensor, "b n"]]:
    """Codes of so many words, of which the last ones are not there."""
    missing = length - words.shape[2]
    return functional.pad(words, (0, missing)), functional.pad(there, (0, missing))


class _Tensors(nn.Module):
    """A generator with the picture as its only output; `paint` is its part that is run by other runtimes, too."""

    def __init__(self, network: CaptionGenerator, paint: nn.Module) -> None:
        super().__init__()
        self.network, self.paint = network, paint

    def forward(self, latent: Tensor, noise: Tensor, sentence: Tensor, words: Tensor, is_word: Tensor) -> Tensor:
        """Inputs of `CaptionGenerator` -> (b, 3, h, w)."""
        condition, _, _ = self.network.condition(sentence, noise)
        image: Tensor = self.paint(latent, condition, words, is_word, None)[0][-1]
        return image


def highlighted(image: Float[Tensor, "3 h w"], share: Float[Tensor, "h2 w2"], num_words: int) -> Float[Tensor, "3 h w"]:
    """A picture, dark but for where a word has more than twice its even share.

    Args:
        image: in [-1, 1].
        share: of the word at every pixel of a level.
        num_words: of the caption.
    """
    above = torch.where(share > 2 / max(num_words, 1), share, torch.zeros_like(share))
    large = functional.interpolate(above[None, None], size=image.shape[1:], mode="bilinear")[0, 0]
    span = large.max() - large.min()
    scaled = (large - large.min()) / span if span > 0 else torch.zeros_like(large)
    return ((image + 1) * (0.3 + 0.7 * scaled) - 1).clamp(-1, 1)
