"""The vocabulary of `limner.people.describe`: for every name in a person or a scene, phrases that say the same."""

from __future__ import annotations

HAIR_COLORS = {
    "black": ("black",), "dark_brown": ("dark brown",), "brown": ("brown",), "auburn": ("auburn", "reddish brown"),
    "red": ("red", "ginger"), "dark_blond": ("dark blond",), "blond": ("blond",), "platinum": ("platinum blond",),
}  # fmt: skip
HAIR_STYLES = {
    "buzz": ("very short hair", "a buzz cut"),
    "crop": ("short hair", "cropped hair"),
    "side_part": ("short hair with a side parting", "neatly parted hair"),
    "quiff": ("hair combed up in front", "a quiff"),
    "slicked_back": ("slicked-back hair", "hair combed back"),
    "spiky": ("spiky hair", "hair that stands up"),
    "short_curls": ("short curls", "short curly hair"),
    "afro": ("an afro", "round, frizzy hair"),
    "pixie": ("a pixie cut", "short hair"),
    "bob": ("a bob", "chin-length hair"),
    "medium": ("medium-length hair", "hair that ends above the shoulders"),
    "long_straight": ("long straight hair", "long hair"),
    "long_wavy": ("long wavy hair", "long hair"),
    "long_curls": ("long curly hair", "long curls"),
    "ponytail": ("a ponytail", "hair tied back"),
    "bun": ("hair in a bun", "a bun"),
    "braids": ("braids", "braided hair"),
}
HANGS_BELOW_HATS = ("bob", "medium", "long_straight", "long_wavy", "long_curls", "ponytail", "braids")
FRINGES = {
    "straight": ("bangs", "a straight fringe"),
    "swept": ("bangs", "a fringe swept to the side"),
    "curtain": ("bangs", "a parted fringe"),
}
BEARDS = {
    "stubble": ("stubble", "a stubbly chin"),
    "moustache": ("a moustache", "a moustache above the lip"),
    "goatee": ("a goatee", "a small beard on the chin"),
    "circle": ("a goatee and a moustache", "a circle beard"),
    "short": ("a short beard", "a trimmed beard"),
    "full": ("a full beard", "a beard and a moustache"),
}
GLASSES = {
    "round": ("round glasses", "eyeglasses with round frames"),
    "square": ("square glasses", "eyeglasses with square frames"),
    "browline": ("browline glasses", "glasses with dark upper rims"),
    "cat_eye": ("cat-eye glasses", "eyeglasses with pointed frames"),
    "aviator": ("aviator glasses", "glasses with drop-shaped lenses"),
    "rimless": ("rimless glasses", "eyeglasses without rims"),
    "sunglasses": ("sunglasses", "dark glasses"),
}
HATS = {"beanie": ("beanie", "knitted hat"), "cap": ("cap", "peaked cap"), "brim": ("hat", "hat with a brim"),
         "beret": ("beret", "flat round hat")}  # fmt: skip
EARRINGS = {"stud": ("stud earrings", "small earrings"), "hoop": ("hoop earrings", "round earrings"),
             "drop": ("drop earrings", "hanging earrings")}  # fmt: skip
NECKLACES = {"chain": ("a chain necklace", "a necklace"), "pendant": ("a necklace with a pendant", "a pendant"),
              "beads": ("a bead necklace", "a string of beads")}  # fmt: skip
GARMENTS = {
    "t_shirt": ("t-shirt", "tee"), "v_neck": ("v-neck top", "top with a v-neck"), "shirt": ("shirt", "collared shirt"),
    "sweater": ("sweater", "pullover"), "turtleneck": ("turtleneck", "sweater with a high collar"),
    "tank_top": ("tank top", "sleeveless top"), "blazer": ("blazer", "jacket"), "hoodie": ("hoodie", "hooded top"),
    "dress": ("dress",), "trousers": ("trousers", "pants"), "jeans": ("jeans",), "shorts": ("shorts",),
    "skirt": ("skirt",), "leggings": ("leggings", "tight pants"), "shoes": ("shoes",), "sneakers": ("sneakers",),
    "boots": ("boots",),
}  # fmt: skip
PLURAL = ("trousers", "jeans", "shorts", "leggings", "shoes", "sneakers", "boots")
PATTERNS = {"stripes": ("striped",), "checks": ("checked", "checkered"), "dots": ("dotted", "polka-dot")}
PLACES = {
    "plain": ("in front of a plain background", "against a plain backdrop"),
    "gradient": ("in front of a smooth background", "against a studio backdrop"),
    "clouds": ("in front of a mottled backdrop", "against a cloudy background"),
    "bokeh": ("in front of blurred lights", "against soft lights"),
    "room": ("in a room", "indoors"),
    "outdoors": ("outdoors", "in the open"),
    "panel": ("in front of a backdrop with panels", "against a wall of panels"),
}
BROADER = {
    "blond hair": ("platinum",),
    "short hair": ("buzz", "side_part", "quiff", "slicked_back", "spiky", "short_curls"),
    "long hair": ("long_curls", "braids"),
    "a moustache": ("circle", "full"),
    "a goatee": ("circle",),
    "a necklace": ("pendant", "beads"),
    "hat": ("beanie", "cap", "beret"),
    "sweater": ("turtleneck",),
    "pullover": ("turtleneck",),
    "pants": ("jeans", "leggings"),
    "shoes": ("sneakers", "boots"),
}
"""Phrases that are also true of kinds under which they are not listed."""
