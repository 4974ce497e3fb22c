"""The sentences that stories, poems and news are made of.

Story slots: `$who` introduces the hero ("a small fox"), `$hero` names it afterwards ("the fox"), `$it` and `$its` are its
pronouns, `$friend` is the second person, `$spot`, `$goal` and `$topic` stay the same throughout a story.
"""

__all__ = ["ENDS", "HELPS", "MEETINGS", "NEWS", "OPENINGS", "RHYMES", "TROUBLES", "TURNS", "WANTS"]

OPENINGS: dict[str, tuple[str, ...]] = {
    "hero": (
        "Once {upon a time |}there was $who who lived near the $spot.", "In a small house behind the $spot lived $who.", "Long ago, $who lived alone at the edge of $city.",
        "There was once $who who could not sleep.", "Every morning $who walked past the $spot.", "On a $mood morning $who came to $city.",
        "It was a $mood evening when $who arrived at the $spot.", "Everyone in $city knew $who.", "Far away, where the road ends, lived $who.", "One $mood $day, $who woke up very early.", "Near $city there lived $who, and nobody ever came to visit.",
    ),
    "name": (
        "Once {upon a time |}there was a {child|young person|stranger|dreamer} called $hero.", "In a small house behind the $spot lived $hero.", "Long ago, $hero lived alone at the edge of $city.", "Nobody in $city knew where $hero had come from.",
        "Every morning $hero walked past the $spot.", "On a $mood morning $hero came to $city.", "It was a $mood evening when $hero arrived at the $spot.", "Everyone in $city knew $hero.", "One $mood $day, $hero woke up very early.", "$hero worked at the $spot in $city and was often alone.",
    ),
    "thing": (
        "One $mood morning $hero found $topic near the $spot.", "$hero had always wanted $topic.", "It all began with $topic that $hero found behind the $spot.", "On $day a parcel came for $hero, and in it was $topic.",
        "There was $topic in the window of a shop in $city, and $hero looked at it every day.", "Many years ago, somebody gave $hero $topic.", "In the attic of an old house in $city, $hero found $topic.",
    ),
    "idea": (
        "$hero loved $topic more than anything else.", "In $city, people often told stories about $topic.", "$hero had never understood $topic.", "When $hero thought of $topic, $it always smiled.",
        "It was a $mood evening, and $hero was thinking about $topic.", "Nobody in $city talked about $topic, only $hero did.",
    ),
}
WANTS: tuple[str, ...] = (
    "More than anything, $hero wanted $goal.", "$hero had one dream: $goal.", "Every night $it dreamed of $goal.", "One day $hero heard of $goal far away, and $it could not forget it.", "All $it wished for was $goal.",
    "$hero had heard that somewhere near $city there was $goal.", "But something was missing, and $hero knew what it was: $goal.", "So $hero packed a small bag and set out to find $goal.", "\"One day I will have $goal,\" said $hero.",
)
TROUBLES: tuple[str, ...] = (
    "But the way was long, and soon it began to {rain|snow}.", "But then a storm came, and all the lights went out.", "On the way $it met $friend, who had lost a $colour $thing.", "At the $place, however, the door was locked.",
    "But nobody wanted to help, and the night grew cold.", "Then $hero took a wrong turn and came to an empty $place.", "A wide river lay in the way, and there was no bridge.", "In the middle of the way sat $friend, who looked very sad.",
    "Suddenly there was a strange noise behind the $place.", "On the second day $hero lost the map.", "\"You will never find it,\" said $friend, and laughed.", "But a thick fog came down, and nobody could see the road.", "Then $friend came running and called for help.",
)
MEETINGS: tuple[str, ...] = ("Luckily $friend came along.", "Then $friend, a(n) $job from $city, came by.", "There $hero met $friend, who had the same dream.", "Just then $friend came around the corner.", "But $friend had seen everything and came to help.", "The next morning $hero met $friend.")
HELPS: tuple[str, ...] = (
    "\"Do not be afraid,\" said $friend. \"We will go together.\"", "$friend shared some bread and knew a secret path.", "$hero stopped, took a deep breath and tried again.", "So $hero and $friend built a small {boat|bridge|fire|raft} and waited for the morning.",
    "Then $hero had an idea and began to sing.", "A little light showed them the way past the $place.", "$friend pulled, $hero pushed, and slowly it worked.", "They asked an old $job, who only smiled and pointed to the hills.", "$hero gave $friend $its last {apple|cookie|piece of bread}, and they became friends.",
    "Together they climbed the hill and looked far over the land.", "$friend held the lantern, and $hero went first.", "They talked all night, and in the morning the sky was clear.",
)
TURNS: tuple[str, ...] = (
    "And there it was, right in front of them: $goal.", "Behind the last door they found $goal.", "Then $hero saw that $goal had been at home all along.", "When the sun came up, they found $goal under an old tree.", "In the end it was $friend who found $goal.",
    "What they found was not $goal, but something better: a friend.", "$hero opened the box, and inside was $goal.", "At last they reached the top, and $hero saw $goal.",
)
ENDS: tuple[str, ...] = (
    "From that day on, $hero was never alone.", "And so $hero went home, tired and very happy.", "Since then the two of them meet every $day at the $spot.", "If you go to the $spot at night, you can still hear them laugh.", "That evening they all ate $food together.",
    "\"Next time we will go even further,\" said $friend.", "$hero never forgot that day.", "And $friend stayed for the whole winter.", "After that, $hero slept better than ever before.", "People in $city still tell this story today.", "And that was only the beginning.", "$hero smiled, because now everything was all right.",
)

RHYMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("night", ("$topic is with me through the night,", "a {little|gentle|silver} window holds the light,", "the stars above are {small|clear} and bright,", "and all the world is {soft|still} and white,", "a bird has vanished out of sight,", "and everything will be all right,")),
    ("day", ("$topic came to me one day,", "and asked me if I want to stay,", "the clouds above are {soft|cold} and grey,", "the children laugh, the kittens play,", "a {gentle|little} wind has lost its way,", "and there is nothing more to say,")),
    ("sea", ("$topic is {walking|dreaming} by the sea,", "and sings a {quiet|little} song for me,", "a bird is resting in the tree,", "the {road|wind} is long, the heart is free,", "come in, my friend, and have some tea,", "it is the place I want to be,")),
    ("snow", ("$topic is waiting in the snow,", "the {evening|river} wind is soft and low,", "the lamps along the harbour glow,", "there is no place I need to go,", "the {days|hours} are long, the hours are slow,", "and this is all I have to know,")),
    ("sky", ("$topic is {dancing|waking} under the sky,", "the {golden|quiet} clouds are floating by,", "I watch the little sparrows fly,", "I do not need to wonder why,", "the mountains in the east are high,", "we wave our hands and say goodbye,")),
    ("rain", ("$topic is singing in the rain,", "I hear it on the window pane,", "a light goes down the narrow lane,", "tomorrow we will meet again,", "far off I hear the evening train,", "and nothing beautiful is plain,")),
    ("moon", ("$topic is looking at the moon,", "and hums a small and happy tune,", "the morning will be coming soon,", "it smells of roses and of June,", "we slept until the afternoon,", "and sailed away in a balloon,")),
    ("home", ("$topic is slowly coming home,", "over the waves and over the foam,", "no matter where the travellers roam,", "as sweet as honey from the comb,")),
    ("heart", ("$topic is living in my heart,", "and every morning is a start,", "the {old|quiet} friends are far apart,", "to make some tea is still an art,")),
    ("spring", ("$topic is waiting for the spring,", "listen, the early blackbirds sing,", "it is a small and precious thing,", "a feather from a swallow's wing,", "and somewhere far the church bells ring,")),
)

NEWS: tuple[tuple[str, ...], ...] = (
    ("$city, $day. People in $city are talking about $topic{| this week}.", "$city, $day. $topic {surprised|delighted|puzzled} the whole town{| on $day morning}.", "$city, $day. There is news about $topic.", "$city, $day. A report about $topic was read out at the $place{| today}.", "$city, $day. For the first time in $small years, $topic is in the headlines."),
    ("About $number people came to the $place to hear more.", "It began early in the morning near the $place.", "The {town council|mayor|police} confirmed this on $day.", "The story was first told by $name, a(n) $job from $city.", "Nobody was hurt, and the $place stayed open.", "The work took $small months and cost $number thousand euros."),
    ("\"We did not expect this,\" said $name, a local $job.", "\"It is a good day for $city,\" said $name, who works as a(n) $job.", "\"I have never seen anything like it,\" said $name, a(n) $job.", "$name, a(n) $job, called it \"a small wonder\".", "\"We are very happy,\" said $name, the mayor.", "\"Now we have to wait,\" said $name of the $place."),
    ("The town council will talk about it on $day.", "A {$event|public meeting} is planned for $month.", "More news will follow {tomorrow|next week|on $day}.", "The $place will stay open until $hour.", "Visitors are welcome from $day on.", "Until then, everybody is asked to be patient."),
)
