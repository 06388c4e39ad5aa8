"""The parser's one network, which lives in `limner.nn.parsing`: other systems train against it."""

from limner.nn.parsing import ParserOutput, ParsingNetwork, ResidualBlock

__all__ = ["ParserOutput", "ParsingNetwork", "ResidualBlock"]
