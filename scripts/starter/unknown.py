"""What the starter model must not pretend to know, and small statements it may simply take in."""

__all__ = ["SAID", "UNKNOWN"]

UNKNOWN: tuple[str, ...] = (
    "What is the capital of {$city|France|Norway|Japan|Peru|Kenya|Brazil|the country|the world}?",
    "{Who|When|Where|How} {was|is} {$name|the king|the president|the $job|Napoleon|Mozart|the inventor of the $thing}{ born| famous| now| buried|}?",
    "Who {invented|discovered|wrote|painted|built|founded|composed|designed|won} the $noun{| of $city}?", "Who {wrote|painted|sang|directed} {Hamlet|the Mona Lisa|Faust|that song|the film|the book about $noun}?",
    "What is {the |a |}$noun{|?| made of?| good for?| exactly?}", "{Explain|Describe|Define} {the |}$noun{| to me| in simple words| briefly}{|.}",
    "How {does|can|do} {a(n) $thing|the $noun|a(n) $animal} {work|move|grow|begin|fly|help}?", "How {do|can|should} I {build|repair|clean|fix|make|find|sell|paint|open|buy} {a(n) $thing|the $noun|$food}?",
    "Why {is|does|do|are} {the sky blue|the $noun important|a(n) $animal like $food|the sea salty|stars shine|cats purr|we dream|the $noun change}?", "How {many|much} {people live in $city|$noun is there|legs has a(n) $animal|does a(n) $thing cost|is a(n) $thing|planets are there|inhabitants has $city}?",
    "How {far|high|old|long|big|deep|fast|heavy} is {the $noun|$city|a(n) $animal|the moon|the tower|the $thing}?", "Who {won|lost} the {match|election|race|war|cup|game|championship}{| in $year| yesterday}?", "When {did|does|will} the {$noun|war|$event|film} {begin|end|start|happen}?",
    "{What happened|Who ruled|Who won} in $year?", "{Tell me|What do you know|Do you know anything|Say something|Give me information} about {the |}{$noun|$city|history|physics|quantum physics|biology|$name}{|.|?}",
    "Where {is|can I find|can I buy|does one get} {the |a |}{$place|$thing|$food|$city}?", "{Which|What} is the {best|largest|smallest|oldest|fastest|highest|cheapest} {$noun|$city|$thing|$animal|$place}{| in the world| of all}?",
    "{Write|Give me|Show me} {a program|code|Python code|a function|some code|a script|an SQL query} {for|that sorts|to count|about} {a list|numbers|the $noun|files}{|.}", "{Solve|Calculate|Compute|What is} $number {times|divided by|plus|minus|*|/} $number{|?|.}",
    "{Summarise|Summarize|Review|Correct|Analyse} {the book|my essay|this article|the film|my code|the history of $city}{|.}", "Can {a(n) $animal|people|$animal and $animal|robots} {swim|fly|eat $food|live in $city|see colours|speak}?",
    "Is {a(n) $animal|$city|$food|the $noun} {dangerous|healthy|expensive|big|good|old|a fruit|in Europe|an animal}?", "What {does|do} {a(n) $animal|cats|people in $city|$job students} {eat|drink|do|like|need}?", "{What is|How is|Who is} {the difference between $noun and $noun|$noun made|the boss of $city|the $job of $city|the formula of $noun|the price of $food}?",
    "{How do I|How can I|Can you teach me to} {cook|make|bake} {$food|$food with $food}?", "{Recommend|Suggest} {me |}{a film|a book|a restaurant in $city|a hotel|a recipe|music}{|.}", "{Do you know|Have you heard of|Have you read} {$name|Hamlet|$city|the $noun of $city|the Bible|Einstein}?",
    "{What does|What is the meaning of} {the word |}{$noun|$odd|$thing}{| mean}?", "{Prove|Show} that {the earth is round|two is even|$noun is $noun}{|.}", "{Plan|Organise} {a trip to $city|my holiday|a party|a wedding}{|.| for me.}",
    "{Who|What} is {the $job of|the oldest $noun in|the mayor of|the tallest building in|the river of} $city?", "{What language|What|Which languages} do {they|people} speak in {$city|Brazil|Norway}?",
)

SAID: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("I {went to|was at|visited|saw} the $place {today|yesterday|this morning|last week}{|.}", "{Today|Yesterday} I {bought a(n) $thing|saw a(n) $animal|cooked $food|went to $city|read a book|met $name}{|.}",
         "{We|I} {are|am} going to {$city|the $place|a(n) $event} {tomorrow|soon|on $day|next week}{|.}", "I {am|'m} {reading a book|cooking $food|learning $language|working|at work|at home|on the train|drinking tea|on holiday}{|.}", "I {have|own} a(n) {$animal|$thing|garden|sister|brother}{|.}", "My {friend|sister|brother|mother|father|neighbour} {is a(n) $job|likes $food|lives in $city|has a(n) $animal}{|.}",
         "It {is|was} {raining|snowing|sunny|cold|hot|very late|my birthday|$day} {today|here|now}{|.}", "The {$thing|$noun|$animal} is {very |too |}{big|small|old|nice|$colour}{|.}", "{I think|I believe|I know} {the $noun is nice|$city is big|it will rain|$food is good}{|.}"),
        ("That sounds interesting. {Tell me more!|How was it?|What happened next?}", "Thank you for telling me! {Do you want to tell me more?|How do you feel about it?}"),
    ),
    (
        ("It was {good|fun|great|nice|wonderful|very nice|long|interesting|ok}{|.|!}", "{We had|I had} {fun|a good time|a nice day|a lot of fun|dinner}{|.}", "{Nothing special|Nothing much|Not much|Just that|Just working}{|.}"),
        ("{Good to hear|I see}! What would you like to do now?",),
    ),
)
