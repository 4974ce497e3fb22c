"""The words of the corpus by kind. Kinds of 40 words or more keep every eighth word back for evaluation (grammar.py)."""

__all__ = ["KEPT_BACK", "WORDS"]

IN_EIGHTS = 40
"""Kinds of so many words and more have every eighth kept back."""


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", " ").split(",") if part.strip())


_SHE = """Maria, Carla, Emma, Grace, Iris, Kara, Anna, Rosa, Olga, Gina, Priya, Wendy, Zoe, Bella, Mila, Fiona,
Tara, Julia, Lena, Nora, Petra, Sofia, Vera, Yara, Aisha, Chloe, Elsa, Greta, Hana, Jade, Lucy, Nadia, Uma, Tina,
Wanda, Bianca, Daria, Freya, Heidi, Lara, Dora, Paula, Rita, Viola, Ana, Clara, Esther, Gloria, Ines, Monica,
Olivia, Ruth"""
_HE = """Nils, David, Felix, Hugo, Jonas, Leo, Ben, Paul, Sam, Karl, Farid, Adam, Cyrus, Amir, Theo, Ivan, Victor,
Mark, Oscar, Ralph, Tom, Walter, Bruno, Diego, Yusuf, Igor, Kofi, Mateo, Omar, Rafael, Sven, Ulrich, Eric, Colin,
Edgar, Gavin, Kenji, Noel, Otto, Stefan, Henry, Abel, Dylan, Frank, Harold, Joel, Nathan, Pedro, Simon, Vincent,
Boris, Tariq"""
_ANIMAL = """wolf, dog, cat, horse, parrot, rabbit, goat, hamster, turtle, donkey, duck, sheep, owl, bear, fox,
frog, squirrel, otter, hedgehog, crow, penguin, mouse, goose, badger, lizard, snail, whale, dolphin, puppy, lion,
elephant, monkey, deer, bee, butterfly, seal, swan, beaver, camel, kitten, tiger, dragon, crab, sparrow, eagle,
mole, snake, pony"""
_THING = """shovel, lamp, umbrella, ladder, camera, violin, suitcase, hammer, teapot, notebook, bicycle, map,
blanket, basket, candle, mirror, wallet, tent, guitar, helmet, scarf, clock, radio, key, compass, pillow, kettle,
rope, ring, passport, ticket, laptop, charger, printer, trumpet, drum, broom, crate, whistle, spoon, telescope,
parcel, folder, diary, letter, puzzle, kite, anchor, paddle, coat, glove, boot, hat, towel, bottle, jug, globe,
tray, cushion, bowl, battery, keyboard, badge, flag, medal, lantern, envelope, boat, toaster, blender, robot,
balloon, toolbox, pencil, coin, bell, book, cup, bag, phone, clock tower, bus, train, engine, wheel, box, door,
table, chair, bridge, tower, car, pump, fridge"""
_CITY = """Krakow, Oslo, Vienna, Porto, Madrid, Dublin, Lisbon, Turin, Ghent, Basel, Bergen, Malmo, Riga, Split,
Lyon, Nantes, Bonn, Leeds, Cork, Bath, York, Seville, Parma, Siena, Utrecht, Aarhus, Tampere, Tartu, Kaunas, Brno,
Graz, Linz, Bruges, Lille, Cadiz, Bilbao, Naples, Pisa, Delft, Leiden, Odense, Turku, Lund, Zadar, Varna, Paris,
London, Berlin"""
_PLACE = """bookshop, museum, bakery, pharmacy, school, station, harbour, theatre, gallery, gym, hospital, bank,
library, cafe, cinema, garage, stadium, church, post office, factory, hotel, restaurant, laundry, supermarket,
campsite, airport, zoo, castle, office, workshop, canteen, market, aquarium, farm, mill, park, town hall, swimming
pool, bridge, clinic, kindergarten, shop, garden, lighthouse, observatory, garden centre, warehouse, sports hall"""
_JOB = """carpenter, nurse, teacher, pilot, baker, farmer, dentist, painter, plumber, gardener, lawyer, student,
chemist, driver, singer, engineer, barber, butcher, cook, fisherman, judge, librarian, mechanic, photographer,
surgeon, translator, waiter, welder, writer, architect, electrician, beekeeper, tailor, doctor, programmer,
designer, actor, musician, cleaner, manager, firefighter, postman"""
_NOUN = """pattern, stone, window, garden, engine, paper, signal, market, ocean, river, winter, summer, history,
science, kitchen, village, desert, island, bridge, forest, mountain, valley, metal, sugar, release, butter, pepper,
coffee, story, song, picture, number, temple, sentence, word, question, answer, problem, idea, plan, rocket, budget,
report, server, backup, update, salt, version, module, driver, network, password, account, invoice, contract, order,
comet, delivery, customer, manager, team, holiday, border, climate, crystal, harvest, storm, shadow, thunder,
ribbon, pocket, tunnel, palace, letter, project, planet, refund, season, vaccine, muscle, protein, fever, patient,
insurance, luggage, platform, ferry, tram, economy, war, king, queen, country, language, computer, internet,
gravity, traffic, election, music, football, chess, star, moon, gene, atom, money, cell, sun, virus, volcano,
earthquake, weather, rain"""
_FOOD = """curry, soup, rice, pasta, pizza, salad, pancakes, dumplings, sushi, cheese, bread, lentils, mushrooms,
ice cream, omelette, stew, waffles, tacos, porridge, risotto, chocolate, apples, pears, plums, cherries, bananas,
grapes, oranges, mangoes, olives, honey, cake, noodles, tea, coffee, green tea, tomato soup, potatoes, cookies,
strawberries, beans"""
_TOPIC = """friendship, the moon, autumn, rain, winter, the sea, bread, the wind, a long road, the forest, music,
the stars, the mountain, summer, coffee, the morning, an old bridge, the market, fire, silence, books, time, home,
the night, a lost sock, love, clouds, dreams, cats, dogs, the city, spring, a paper boat, snow, the sun, a tiny
robot, the river, a sleepy cat, a blue door, tea"""
_HOBBY = """gardening, swimming, painting, reading, running, cooking, chess, hiking, fishing, singing, football,
tennis, cycling, photography, knitting, dancing, sailing, climbing, drawing, yoga, baking, skiing, volleyball, board
games, astronomy, the guitar, archery, surfing, origami, bird watching, basketball, the piano, pottery, skating,
judo, writing, camping, rowing, juggling, travelling"""

WORDS: dict[str, tuple[str, ...]] = {
    "she": _split(_SHE),
    "he": _split(_HE),
    # Whole eights of each, so that a name is kept back here if and only if it is kept back there.
    "name": (*_split(_SHE)[:48], *_split(_HE)[:48]),
    "animal": _split(_ANIMAL),
    "thing": _split(_THING),
    "city": _split(_CITY),
    "place": _split(_PLACE),
    "job": _split(_JOB),
    "noun": _split(_NOUN),
    "food": _split(_FOOD),
    "topic": _split(_TOPIC),
    "hobby": _split(_HOBBY),
    "fruit": _split("apple, banana, cherry, grape, lemon, mango, orange, peach, pear, plum"),
    "colour": _split(
        "red, blue, green, yellow, black, white, brown, purple, orange, grey, pink, silver, golden, violet"
    ),
    "adj": _split("""old, new, small, big, heavy, broken, shiny, wooden, rusty, spare, round, narrow, tall, soft, dusty, clean,
        empty, full, expensive, cheap, favourite, second, first, dry, thin, thick, loud, quiet"""),
    "mood": _split(
        "quiet, bright, cold, warm, windy, foggy, golden, grey, sunny, rainy, starry, peaceful, busy, strange"
    ),
    "trait": _split(
        "shy, brave, curious, clever, gentle, patient, lonely, cheerful, stubborn, kind, sleepy, hungry, tiny, proud"
    ),
    "day": _split("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"),
    "month": _split("""January, February, March, April, May, June, July, August, September, October, November,
        December"""),
    "event": _split("""concert, meeting, workshop, exam, match, parade, lecture, wedding, auction, festival, race, market,
        interview, rehearsal, dinner, picnic, conference, training, exhibition, premiere, tournament, ceremony, quiz"""),
    "container": _split("""drawer, cupboard, box, closet, chest, locker, cabinet, desk, garage, attic, cellar, shed,
        hallway, kitchen, office, bedroom, trunk, safe, library, barn, pantry, basement"""),
    "material": _split(
        "wood, steel, glass, leather, cotton, plastic, brass, copper, silk, paper, clay, bamboo, wool, iron, stone"
    ),
    "reason": _split("""heavy rain, a power cut, a strike, the strong wind, a broken pipe, the flu, thick fog, the snow, low demand,
        a fire alarm, the heat, a flat tyre, a lost key, the flood"""),
    "language": _split(
        "French, German, Spanish, Polish, Italian, Dutch, Greek, Danish, Czech, Finnish, Turkish, Japanese"
    ),
}
KEPT_BACK = frozenset(
    word for words in WORDS.values() if len(words) >= IN_EIGHTS for word in words[: len(words) // 8 * 8 : 8]
)
"""What no text to train on says."""
