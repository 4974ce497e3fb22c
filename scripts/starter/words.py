"""The words of the corpus by kind. Kinds of 40 words or more keep every eighth word back for evaluation (grammar.py)."""

__all__ = ["WORDS"]


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", " ").split(",") if part.strip())


_SHE = """Anna, Carla, Emma, Grace, Iris, Kara, Maria, Olga, Rosa, Tara, Uma, Wendy, Zoe, Bella, Dora, Fiona, Gina, Julia,
Lena, Nora, Petra, Sofia, Vera, Yara, Aisha, Chloe, Elsa, Greta, Hana, Jade, Lucy, Nadia, Priya, Tina, Wanda, Bianca,
Daria, Freya, Heidi, Lara, Mila, Paula, Rita, Viola, Ana, Clara, Esther, Gloria, Ines, Monica, Olivia, Ruth"""
_HE = """Ben, David, Felix, Hugo, Jonas, Leo, Nils, Paul, Sam, Victor, Yusuf, Adam, Cyrus, Eric, Henry, Ivan, Karl, Mark,
Oscar, Ralph, Tom, Walter, Bruno, Diego, Farid, Igor, Kofi, Mateo, Omar, Rafael, Sven, Ulrich, Amir, Colin, Edgar,
Gavin, Kenji, Noel, Otto, Stefan, Theo, Abel, Dylan, Frank, Harold, Joel, Nathan, Pedro, Simon, Vincent, Boris, Tariq"""
_ANIMAL = """fox, dog, cat, horse, parrot, rabbit, goat, hamster, turtle, donkey, duck, sheep, owl, bear, wolf, frog,
hedgehog, otter, squirrel, crow, lizard, mouse, goose, badger, penguin, deer, whale, dolphin, tiger, lion, elephant,
monkey, snail, bee, butterfly, seal, swan, beaver, camel, kitten, puppy, dragon, crab, sparrow, eagle, mole, snake, pony"""
_THING = """key, lamp, umbrella, ladder, camera, violin, suitcase, hammer, kettle, notebook, bicycle, map, blanket, basket,
candle, mirror, rope, tent, guitar, helmet, scarf, clock, radio, shovel, broom, pillow, teapot, wallet, ring, passport,
ticket, laptop, charger, printer, trumpet, drum, compass, telescope, whistle, spoon, crate, parcel, folder, diary,
letter, puzzle, kite, anchor, paddle, coat, glove, boot, hat, towel, bottle, jug, bowl, tray, cushion, globe, battery,
keyboard, badge, flag, medal, lantern, envelope, toolbox, toaster, blender, robot, balloon, boat, pencil, coin, bell,
book, cup, bag, phone, car, bus, train, engine, wheel, box, door, table, chair, bridge, tower, clock tower, pump, fridge"""
_CITY = """Lisbon, Oslo, Vienna, Porto, Madrid, Dublin, Krakow, Ghent, Turin, Basel, Bergen, Malmo, Riga, Split, Lyon,
Nantes, Bonn, Leeds, Cork, Bath, York, Seville, Parma, Siena, Utrecht, Aarhus, Tampere, Tartu, Kaunas, Brno, Graz, Linz,
Bruges, Lille, Cadiz, Bilbao, Naples, Pisa, Delft, Leiden, Odense, Turku, Lund, Zadar, Varna, Paris, London, Berlin"""
_PLACE = """library, museum, bakery, pharmacy, school, station, harbour, theatre, hotel, gym, hospital, bank, bookshop,
cafe, cinema, garage, zoo, church, post office, factory, gallery, restaurant, laundry, supermarket, campsite, airport,
stadium, aquarium, kindergarten, workshop, canteen, market, castle, farm, mill, park, town hall, swimming pool, bridge,
clinic, office, shop, garden, lighthouse, observatory, garden centre, warehouse, sports hall"""
_JOB = """baker, nurse, teacher, pilot, carpenter, plumber, dentist, painter, farmer, gardener, lawyer, tailor, chemist,
driver, singer, engineer, barber, butcher, cook, fisherman, judge, librarian, mechanic, photographer, surgeon,
translator, waiter, welder, writer, architect, electrician, beekeeper, student, doctor, programmer, designer, actor,
musician, cleaner, manager, firefighter, postman"""
_NOUN = """river, stone, window, garden, engine, paper, signal, market, bridge, pattern, winter, summer, history, science,
kitchen, village, forest, island, ocean, desert, mountain, valley, metal, sugar, salt, butter, pepper, coffee, story,
song, picture, number, letter, sentence, word, question, answer, problem, idea, plan, project, budget, report, server,
backup, update, release, version, module, driver, network, password, account, invoice, contract, order, refund,
delivery, customer, manager, team, holiday, border, climate, season, harvest, storm, shadow, thunder, ribbon, pocket,
tunnel, palace, temple, rocket, planet, comet, crystal, vaccine, protein, muscle, fever, patient, insurance, luggage,
platform, ferry, tram, traffic, war, king, queen, country, language, computer, internet, money, economy, election,
music, football, chess, star, moon, sun, atom, gravity, cell, gene, virus, volcano, earthquake, weather, rain"""
_FOOD = """pizza, soup, rice, pasta, curry, salad, pancakes, dumplings, cheese, sushi, bread, lentils, mushrooms, noodles,
omelette, stew, waffles, tacos, porridge, risotto, chocolate, apples, pears, plums, cherries, bananas, grapes, oranges,
mangoes, olives, honey, cake, ice cream, tea, coffee, green tea, tomato soup, potatoes, cookies, strawberries, beans"""
_TOPIC = """the sea, the moon, autumn, rain, winter, friendship, bread, the wind, spring, the forest, music, the stars,
the mountain, summer, coffee, the morning, snow, the market, fire, silence, books, time, home, the night, the sun, love,
clouds, dreams, cats, dogs, the city, a long road, a paper boat, an old bridge, a lost sock, a tiny robot, the river,
a sleepy cat, a blue door, tea"""
_HOBBY = """chess, swimming, painting, reading, running, cooking, gardening, hiking, dancing, singing, football, tennis,
cycling, photography, knitting, fishing, climbing, sailing, drawing, yoga, baking, skiing, volleyball, astronomy,
board games, pottery, archery, surfing, origami, bird watching, basketball, the piano, the guitar, skating, judo,
writing, camping, rowing, juggling, travelling"""

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
