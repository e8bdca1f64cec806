"""What the made-up shop's products are called, described and made of: tables, no logic. No brand here is a real one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goods:
    """What the products of one category_type have in common; prices in dollars, shares in percent.

    `potency`: the range of the THC share in percent, or of the THC content in mg where `measure` is MG.
    """

    category: str
    weight: int
    nouns: tuple[str, ...]
    subtypes: tuple[str, ...]
    uom: str
    amounts: tuple[float, ...]
    prices: tuple[int, int]
    measure: str | None = None
    potency: tuple[float, float] = (0, 0)
    tiered: int = 0


# fmt: off
GOODS = (
    Goods("FLOWER", 20, ("Flower", "Smalls", "Premium Flower", "Shake"),
          ("INDOOR", "GREENHOUSE", "OUTDOOR", "PRE-PACK"), "GRAMS", (1, 3.5, 7, 14, 28), (12, 180), "PERCENTAGE",
          (14, 33), tiered=25),
    Goods("PREROLL", 14, ("Pre-Roll", "Pre-Roll 5pk", "Infused Pre-Roll", "Blunt"), ("SINGLE", "PACK", "INFUSED"),
          "GRAMS", (0.5, 0.75, 1, 2.5, 3.5), (5, 48), "PERCENTAGE", (15, 46)),
    Goods("CARTRIDGE", 16, ("Cartridge", "Live Resin Cart", "Disposable", "Pod"), ("510 THREAD", "DISPOSABLE", "POD"),
          "GRAMS", (0.3, 0.5, 1, 2), (18, 75), "PERCENTAGE", (66, 93)),
    Goods("EXTRACT", 10, ("Live Rosin", "Badder", "Shatter", "Sauce", "Diamonds"), ("ROSIN", "BADDER", "SHATTER"),
          "GRAMS", (0.5, 1, 3.5), (16, 90), "PERCENTAGE", (58, 90), tiered=8),
    Goods("EDIBLE", 16, ("Gummies", "Dark Chocolate", "Caramels", "Mints", "Cookie"),
          ("GUMMY", "CHOCOLATE", "HARD CANDY"), "MILLIGRAMS", (10, 20, 50, 100), (6, 36), "MG", (10, 100)),
    Goods("BEVERAGE", 5, ("Sparkling Water", "Lemonade", "Iced Tea", "Rosé Spritz"), ("SODA", "TEA", "SHOT"),
          "FLUID_OUNCES", (2, 8, 12), (4, 22), "MG", (2, 100)),
    Goods("TINCTURE", 4, ("Tincture", "Sleep Drops", "Oral Spray"), ("TINCTURE", "SPRAY"),
          "MILLILITERS", (15, 30), (20, 85), "MG", (100, 1000)),
    Goods("PILL", 3, ("Capsules", "Softgels", "Tablets"), ("CAPSULE", "TABLET"), "EACH", (10, 20, 40), (12, 55), "MG",
          (50, 400)),
    Goods("TOPICAL", 3, ("Balm", "Bath Soak", "Transdermal Patch", "Lotion"), ("BALM", "PATCH", "LOTION"),
          "OUNCES", (0.5, 1, 2.5), (10, 60), "MG", (50, 600)),
    Goods("PLANT", 2, ("Clone", "Seedling", "Seeds 5pk"), ("CLONE", "SEED"), "EACH", (1, 5), (10, 80)),
    Goods("MERCH", 4, ("T-Shirt", "Grinder", "Enamel Pin", "Glass Pipe 7\"", "Hoodie"),
          ("APPAREL", "ACCESSORY", "GLASS"), "EACH", (1,), (3, 120)),
    Goods("MISC", 2, ("510 Battery", "Rolling Papers", "Lighter", "Torch"), ("BATTERY", "PAPERS"), "EACH", (1,),
          (1, 45)),
    Goods("NON_INV", 1, ("Exit Bag", "Delivery Fee", "Gift Card"), ("BAG", "FEE", "CARD"), "EACH", (1,), (1, 100)),
)

BRANDS = (
    "Cielo Verde", "Höhenluft", "Café Nébula", "North Fork Farms", "Old Mill Co.", "Luma", "Sundial",
    "Grizzly & Daughters", "Tidepool", "Marigold Lane", "Señor Terpeno", "Kettle Creek", "Paper Lantern",
    "Half Moon Bayou", "Fable", "Ember+Oak", "Wild Juniper", "Brass Tacks", "Øresund Organics", "Dr. Finch’s",
    "Little Owl", "Quarry Road", "Velvet Antler", "Pacific Standard", "Mañana", "Stone Orchard", "Cloud 8½",
    "Driftless", "Honeyguide", "The House Brand",
)

STRAINS = (
    "Blue Dream", "Sour Diesel", "Granddaddy Purple", "Gelato #33", "Wedding Cake", "Jack Herer", "Northern Lights",
    "Pineapple Express", "Green Crack", "OG Kush", "Girl Scout Cookies", "Durban Poison", "Zkittlez", "Runtz",
    "Mimosa", "Strawberry Cough", "Purple Punch", "Tangie", "Do-Si-Dos", "MAC 1", "GMO", "Ice Cream Cake",
    "Super Lemon Haze", "Forbidden Fruit", "Cherry Pie", "Bubba Kush", "Trainwreck", "Harlequin", "ACDC", "Cannatonic",
    "Papaya Punch", "Motorbreath", "Lemon Tree", "Animal Mints", "Apple Fritter", "Crème Brûlée", "Jealousy",
    "Permanent Marker", "LA Confidential", "Maui Wowie", "Acapulco Gold", "Gorilla Glue #4", "White Widow", "Headband",
    "Biscotti",
)

FLAVOURED = ("EDIBLE", "BEVERAGE")
STRAINLESS = ("MERCH", "MISC", "NON_INV", "TINCTURE", "PILL", "TOPICAL", *FLAVOURED)
"""Categories whose names carry no strain."""

VARIETIES = (
    "Blood Orange", "Watermelon", "Sea Salt", "Peach Bellini", "Yuzu", "Mango Chile", "Espresso", "Wild Berry",
    "Piña Colada", "Matcha", "Key Lime", "Açaí", "Unflavored", "Lavender", "1:1 Relief", "Arnica", "Eucalyptus",
    "Nighttime", "Daily", "Rescue", "Classic Black", "Natural", "Limited Edition", "Rainbow", "King Size", "Slim",
    "Vintage", "Heritage",
)

CLASSIFICATIONS = ("SATIVA", "INDICA", "HYBRID", "HYBRID", "S/I", "I/S", "CBD", None)

TERPENES = (
    "MYRCENE", "LIMONENE", "BETA CARYOPHYLLENE", "LINALOOL", "ALPHA PINENE", "BETA PINENE", "HUMULENE", "TERPINOLENE",
    "OCIMENE", "BISABOLOL",
)

EFFECTS = ("RELAXED", "HAPPY", "EUPHORIC", "CREATIVE ", "SLEEPY", "FOCUSED", "UPLIFTED", "CALM ")
FLAVORS = ("CITRUS", "PINE ", "EARTHY", "BERRY", "DIESEL", "VANILLA", "MINT", "TROPICAL ")
INGREDIENTS = ("SUGAR", "PECTIN", "COCOA BUTTER", "MCT OIL", "NATURAL FLAVORS", "CITRIC ACID ", "SHEA BUTTER")
GENERAL = ("STAFF PICK", "LOCAL", "VEGAN", "SOLVENTLESS", "SUN GROWN ", "NEW DROP")

SENTENCES = (
    "Grown in small batches and cured for twenty-one days.",
    "Bright citrus up front, then a long, peppery finish.",
    "“The one I take camping,” says half of our staff.",
    "Notes of crème fraîche, piñon and warm cedar.",
    "Made without artificial colors; every batch is tested twice.",
    "Best enjoyed slowly – start low, wait, and see.",
    "It’s named for the grower’s grandmother, who’d approve.",
    "A calm, clear-headed evening companion.",
    "Keep cool and dry, away from children and pets.",
    "Limited run: when it’s gone, it’s gone.",
)

LOCATIONS = ("BACK OF HOUSE", "FRONT OF HOUSE", "VAULT")

BADGES = ("🌿", "🔥", "✨", "🍊", "🧊")
# fmt: on
