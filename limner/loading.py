"""`limner.load` with its types: the name of a system gives the pipeline class of that system.

A type checker knows `limner.load("scgan")` as `SCGANPipeline`, and `limner.load("runs/first", system="scgan")` too; of
any other name or path it knows that it is a `Pipeline`. Nothing of a system is imported when the program runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from limner.pipelines import Pipeline
from limner.pipelines import load as _load
from limner.runtimes import Runtime

if TYPE_CHECKING:
    from limner.systems.adgan.pipeline import ADGANPipeline
    from limner.systems.attngan.pipeline import AttnGANPipeline
    from limner.systems.atvgnet.pipeline import ATVGnetPipeline
    from limner.systems.avwnet.pipeline import AVWnetPipeline
    from limner.systems.caae.pipeline import CAAEPipeline
    from limner.systems.cyclegan.pipeline import CycleGANPipeline
    from limner.systems.damsm.pipeline import DAMSMPipeline
    from limner.systems.defgan.pipeline import DefGANPipeline
    from limner.systems.facejudge.pipeline import FaceJudgePipeline
    from limner.systems.factjudge.pipeline import FactJudgePipeline
    from limner.systems.hdgan.pipeline import HDGANPipeline
    from limner.systems.hfgan.pipeline import HfGANPipeline
    from limner.systems.ipcgan.pipeline import IPCGANPipeline
    from limner.systems.lgcgan.pipeline import LGcGANPipeline
    from limner.systems.maskface.pipeline import MaskFacePipeline
    from limner.systems.painter.learning_to_paint.pipeline import LearningToPaintPipeline
    from limner.systems.painter.pipeline import PainterPipeline
    from limner.systems.parser.pipeline import ParserPipeline
    from limner.systems.patn.pipeline import PATNPipeline
    from limner.systems.pg2.pipeline import PG2Pipeline
    from limner.systems.pix2pix.pipeline import Pix2PixPipeline
    from limner.systems.portrait.pipeline import PortraitPipeline
    from limner.systems.scagan.pipeline import SCAGANPipeline
    from limner.systems.scgan.pipeline import SCGANPipeline
    from limner.systems.spade.pipeline import SPADEPipeline
    from limner.systems.speech2vid.pipeline import Speech2VidPipeline
    from limner.systems.stackgan.pipeline import StackGANPipeline
    from limner.systems.syncnet.pipeline import SyncNetPipeline
    from limner.systems.wordnet.pipeline import WordNetPipeline


@overload
def load(
    name_or_path: Literal["scgan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> SCGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["scgan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> SCGANPipeline: ...
@overload
def load(
    name_or_path: Literal["pix2pix"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> Pix2PixPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["pix2pix"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> Pix2PixPipeline: ...
@overload
def load(
    name_or_path: Literal["cyclegan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> CycleGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["cyclegan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> CycleGANPipeline: ...
@overload
def load(
    name_or_path: Literal["spade"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> SPADEPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["spade"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> SPADEPipeline: ...
@overload
def load(
    name_or_path: Literal["maskface"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> MaskFacePipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["maskface"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> MaskFacePipeline: ...
@overload
def load(
    name_or_path: Literal["portrait"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> PortraitPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["portrait"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> PortraitPipeline: ...
@overload
def load(
    name_or_path: Literal["painter"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> PainterPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["painter"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> PainterPipeline: ...
@overload
def load(
    name_or_path: Literal["learning-to-paint"],
    system: None = None,
    *,
    with_optional: bool = False,
    runtime: Runtime = "auto",
) -> LearningToPaintPipeline: ...
@overload
def load(
    name_or_path: str | Path,
    system: Literal["learning-to-paint"],
    *,
    with_optional: bool = False,
    runtime: Runtime = "auto",
) -> LearningToPaintPipeline: ...
@overload
def load(
    name_or_path: Literal["parser"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> ParserPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["parser"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> ParserPipeline: ...
@overload
def load(
    name_or_path: Literal["lgcgan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> LGcGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["lgcgan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> LGcGANPipeline: ...
@overload
def load(
    name_or_path: Literal["caae"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> CAAEPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["caae"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> CAAEPipeline: ...
@overload
def load(
    name_or_path: Literal["ipcgan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> IPCGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["ipcgan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> IPCGANPipeline: ...
@overload
def load(
    name_or_path: Literal["facejudge"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> FaceJudgePipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["facejudge"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> FaceJudgePipeline: ...
@overload
def load(
    name_or_path: Literal["damsm"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> DAMSMPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["damsm"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> DAMSMPipeline: ...
@overload
def load(
    name_or_path: Literal["scagan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> SCAGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["scagan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> SCAGANPipeline: ...
@overload
def load(
    name_or_path: Literal["hfgan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> HfGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["hfgan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> HfGANPipeline: ...
@overload
def load(
    name_or_path: Literal["attngan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> AttnGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["attngan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> AttnGANPipeline: ...
@overload
def load(
    name_or_path: Literal["defgan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> DefGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["defgan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> DefGANPipeline: ...
@overload
def load(
    name_or_path: Literal["patn"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> PATNPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["patn"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> PATNPipeline: ...
@overload
def load(
    name_or_path: Literal["adgan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> ADGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["adgan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> ADGANPipeline: ...
@overload
def load(
    name_or_path: Literal["factjudge"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> FactJudgePipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["factjudge"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> FactJudgePipeline: ...
@overload
def load(
    name_or_path: Literal["pg2"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> PG2Pipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["pg2"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> PG2Pipeline: ...
@overload
def load(
    name_or_path: Literal["hdgan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> HDGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["hdgan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> HDGANPipeline: ...
@overload
def load(
    name_or_path: Literal["stackgan"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> StackGANPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["stackgan"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> StackGANPipeline: ...
@overload
def load(
    name_or_path: Literal["wordnet"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> WordNetPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["wordnet"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> WordNetPipeline: ...
@overload
def load(
    name_or_path: Literal["syncnet"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> SyncNetPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["syncnet"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> SyncNetPipeline: ...
@overload
def load(
    name_or_path: Literal["avwnet"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> AVWnetPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["avwnet"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> AVWnetPipeline: ...
@overload
def load(
    name_or_path: Literal["speech2vid"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> Speech2VidPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["speech2vid"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> Speech2VidPipeline: ...
@overload
def load(
    name_or_path: Literal["atvgnet"], system: None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> ATVGnetPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: Literal["atvgnet"], *, with_optional: bool = False, runtime: Runtime = "auto"
) -> ATVGnetPipeline: ...
@overload
def load(
    name_or_path: str | Path, system: str | None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> Pipeline: ...


def load(
    name_or_path: str | Path, system: str | None = None, *, with_optional: bool = False, runtime: Runtime = "auto"
) -> Pipeline:
    """Load a pipeline: `limner.load("scgan")`, `limner.load("runs/first")`.

    Args:
        name_or_path: a system (its default weights), a name of shipped weights, or a weights, checkpoint or run
            folder. A local path never touches a network.
        system: the system that the weights must be of, if that matters.
        with_optional: also load the networks that only training and evaluation use, where the folder has them.
        runtime: what runs the networks when something is drawn: "torch", "onnx" (ONNX Runtime on the CPU, with the
            extra `export`; the networks are exported at their first use), or "auto": what drew a stored result, else
            "torch".

    Returns:
        The pipeline on the CPU; `limner.load("scgan").to("cuda")` moves it.

    Raises:
        ConfigError: if there is no such runtime.
        WeightsError: if there are no such weights, or they cannot be used.
    """
    return _load(name_or_path, system, with_optional=with_optional, runtime=runtime)
