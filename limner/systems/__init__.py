"""The systems by name: `package:Stem`. `limner.registry` says how a package is laid out."""

SYSTEMS: dict[str, str] = {
    "scgan": "limner.systems.scgan:SCGAN",
    "pix2pix": "limner.systems.pix2pix:Pix2Pix",
    "cyclegan": "limner.systems.cyclegan:CycleGAN",
    "spade": "limner.systems.spade:SPADE",
    "maskface": "limner.systems.maskface:MaskFace",
    "portrait": "limner.systems.portrait:Portrait",
    "painter": "limner.systems.painter:Painter",
    "learning-to-paint": "limner.systems.painter.learning_to_paint:LearningToPaint",
    "parser": "limner.systems.parser:Parser",
    "lgcgan": "limner.systems.lgcgan:LGcGAN",
    "caae": "limner.systems.caae:CAAE",
    "ipcgan": "limner.systems.ipcgan:IPCGAN",
    "scagan": "limner.systems.scagan:SCAGAN",
    "patn": "limner.systems.patn:PATN",
    "adgan": "limner.systems.adgan:ADGAN",
    "facejudge": "limner.systems.facejudge:FaceJudge",
    "hfgan": "limner.systems.hfgan:HfGAN",
    "attngan": "limner.systems.attngan:AttnGAN",
    "damsm": "limner.systems.damsm:DAMSM",
    "factjudge": "limner.systems.factjudge:FactJudge",
}
