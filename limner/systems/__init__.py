"""The systems by name: `package:Stem`. `limner.registry` says how a package is laid out."""

SYSTEMS: dict[str, str] = {
    "scgan": "limner.systems.scgan:SCGAN",
    "parser": "limner.systems.parser:Parser",
}
