"""Facts for the passages: per kind of subject, ways to state a fact and ways to ask for it. `$s` is the subject."""

__all__ = ["ASIDES", "RELATIONS", "SUBJECTS"]

SUBJECTS: dict[str, tuple[str, ...]] = {
    "thing": ("the $thing", "the $adj $thing", "the $colour $thing", "$name's $thing", "the $material $thing"),
    "place": ("the $place", "the $city $place", "the $adj $place", "the $place in $city"),
    "event": ("the $event", "the $city $event", "the $day $event", "the $noun $event"),
    "person": ("$name", "$name", "$name $odd", "Mr. $odd", "Mrs. $odd", "Dr. $name"),
    "service": ("the $noun service", "the $noun pass", "the $noun plan", "a $noun licence", "the $odd app", "the $noun server", "$odd", "the $noun team"),
    "animal": ("the $animal", "the $city $animal", "the $colour $animal", "a(n) $animal"),
    "town": ("$city", "$city", "the town of $city", "$city Island"),
}

Forms = tuple[tuple[str, ...], tuple[str, ...]]
RELATIONS: dict[str, dict[str, Forms]] = {
    "thing": {
        "where": (("$s is {in|behind|under|on top of|next to} the $container.", "You {will |can |}find $s in the $container.", "$s is {kept|stored|locked away|lying} in the $container.", "Look for $s in the $container.", "We keep $s in the $container."), ("Where is $s?", "Where can I find $s?", "Where {do we keep|is} $s{| kept| stored}?", "In which place is $s?", "Where should I look for $s?", "I am looking for $s.", "Who knows where $s is?", "Where did we put $s?")),
        "owner": (("$s belongs to $name.", "$s is {owned by|the property of} $name.", "The owner of $s is $name.", "$name owns $s."), ("Who owns $s?", "Who does $s belong to?", "Whose is $s?", "To whom does $s belong?", "Who is the owner of $s?")),
        "price": (("$s costs $number {euros|dollars|pounds|crowns}.", "The price of $s is $number {euros|dollars}.", "You pay $number euros for $s.", "We sell $s for $number {euros|dollars}."), ("How much {is|costs} $s?", "How much does $s cost?", "What is the price of $s?", "What does $s cost?", "How expensive is $s?", "What do I pay for $s?", "How many euros do I need for $s?")),
        "colour": (("$s {is|was} painted $colour.", "The colour of $s is $colour.", "$s has a $colour {cover|handle|surface}."), ("What colour {is|has} $s?", "Which colour is $s?", "What is the colour of $s?", "What does $s look like?")),
        "made": (("$s is made of $material.", "$s was built from $material.", "They made $s out of $material."), ("What is $s made of?", "Which material is $s?", "From what is $s made?", "What did they make $s out of?")),
        "repair": (("$name {repaired|fixed|mended} $s {on $day|in $month|last $month}.", "$s was repaired by $name."), ("Who {repaired|fixed|mended} $s?", "By whom was $s repaired?", "Who made $s work again?")),
        "weight": (("$s weighs $number {kilos|grams|kilograms}.", "The weight of $s is $number {kilos|grams}."), ("How heavy is $s?", "What does $s weigh?", "What is the weight of $s?", "How many kilos does $s weigh?")),
        "inventor": (("$s was {invented|designed|built} by $name in $year.", "$name {invented|designed|built} $s in $year."), ("Who {invented|designed|built} $s?", "When was $s {invented|built|designed}?", "By whom was $s {invented|designed}?", "In which year was $s made?")),
        "use": (("$s is used {for|in} $hobby.", "People use $s for $hobby.", "You need $s for $hobby."), ("What is $s {used |}for?", "What do people use $s for?", "Why do I need $s?", "What can I do with $s?")),
        "broken": (("$s {stopped|broke|failed} because of $reason.", "Because of $reason, $s does not work."), ("Why {did|does} $s {stop|break|fail|not work}?", "What is wrong with $s?", "What happened to $s?")),
    },
    "place": {
        "opens": (("$s opens at $hour.", "$s is open from $hour{| every day| on weekdays}.", "The doors of $s open at $hour.", "Opening time of $s is $hour."), ("When does $s open?", "At what time does $s open?", "What time does $s open?", "From when is $s open?", "How early can I go to $s?", "What are the opening hours of $s?")),
        "closes": (("$s closes at $hour.", "$s is closed after $hour.", "$s shuts at $hour."), ("When does $s close?", "At what time does $s close?", "Until when can I visit $s?", "How long can I stay at $s?", "What time does $s shut?")),
        "free": (("$s is closed on $day.", "On $day $s stays closed."), ("On which day is $s closed?", "When is $s closed?", "Which day is $s not open?", "Is $s open every day?")),
        "founded": (("$s was {founded|built|opened} in $year.", "They {built|opened} $s in $year.", "$s has existed since $year."), ("When was $s {founded|built|opened}?", "In which year was $s {founded|built|opened}?", "How old is $s?", "Since when does $s exist?")),
        "founder": (("$name {founded|started} $s.", "$s was {founded|started} by $name.", "The founder of $s was $name."), ("Who {founded|started} $s?", "Who was the founder of $s?", "By whom was $s {founded|started}?")),
        "street": (("$s {is|stands|lies} in $odd Street.", "The address of $s is $small $odd Street.", "You find $s {behind|opposite|near} the $place.", "$s is {next to|behind|opposite} the $place."), ("Where is $s?", "What is the address of $s?", "Where can I find $s?", "In which street is $s?", "How do I find $s?", "Where does $s lie?")),
        "manager": (("$s is {run|managed|led} by $name.", "$name {runs|manages} $s.", "The manager of $s is $name."), ("Who {runs|manages|leads} $s?", "Who is {the manager|the boss|in charge} of $s?", "By whom is $s run?")),
        "ticket": (("{Entry to|A ticket for} $s costs $small euros.", "{Entry to|Admission to} $s is free {on $day|for children|in $month}.", "Visitors pay $small euros at $s."), ("How much is {entry to|a ticket for|admission to} $s?", "What does {entry to|a ticket for} $s cost?", "What do visitors pay at $s?", "Do I have to pay at $s?", "Is $s free?")),
        "dogs": (("{Dogs|Pets|Bicycles|Cameras} are not allowed {in|at} $s.", "You may not bring {dogs|pets|food|bicycles} into $s."), ("{What is|What is} not allowed {in|at} $s?", "What may I not bring into $s?", "What is forbidden {in|at} $s?", "Are dogs allowed in $s?")),
        "phone": (("The phone number of $s is $number $number.", "You can call $s at $number $number."), ("What is the {phone number|number} of $s?", "How can I {call|reach} $s?", "What number does $s have?", "Which number do I call for $s?")),
        "size": (("$s has $small floors.", "$s has $number {rooms|seats|beds|members}."), ("How {big|large} is $s?", "How many {floors|rooms|seats|beds|members} does $s have?", "What is the size of $s?")),
        "parking": (("{Parking at|The car park of} $s costs $small euros per hour.", "You can park behind $s."), ("{What does|How much does} parking at $s cost?", "Where can I park at $s?", "Is there a car park at $s?")),
    },
    "event": {
        "when": (("$s {is|takes place|will be} on $day.", "$s {begins|starts} on $day at $hour.", "The date of $s is $small $month.", "$s has been moved to $day."), ("When is $s?", "When does $s {take place|begin|start}?", "On which day is $s?", "What is the date of $s?", "What day is $s?", "When will $s be?")),
        "where": (("$s {is held|takes place|will be held} {in|at} the $place.", "You can attend $s at the $place."), ("Where is $s{| held}?", "Where does $s take place?", "In which place is $s?", "Where do I go for $s?", "Where will $s be held?")),
        "host": (("$name {hosts|leads|organises|opens} $s.", "$s is {hosted|led|organised} by $name."), ("Who {hosts|leads|organises|opens} $s?", "By whom is $s {led|organised}?", "Who is in charge of $s?")),
        "cancel": (("$s was {cancelled|postponed|delayed} because of $reason.", "Because of $reason, $s was {cancelled|delayed}."), ("Why was $s {cancelled|postponed|delayed}?", "What was the reason for the delay of $s?", "What happened to $s?", "Why did $s not take place?")),
        "length": (("$s lasts $small {hours|days|minutes|weeks}.", "$s takes $small {hours|days}."), ("How long {is|does} $s{| last| take}?", "How many hours does $s last?", "How long will $s be?")),
        "guests": (("$number people {came to|visited|attended} $s.", "There were $number guests at $s."), ("How many people {came to|visited|attended} $s?", "How many guests {were at|did} $s{| have}?", "How full was $s?")),
        "winner": (("$name won $s.", "The winner of $s was $name.", "First prize at $s went to $name."), ("Who won $s?", "Who was the winner of $s?", "Who got first prize at $s?")),
        "sign": (("You can {sign up|register} for $s until {$day|$small $month}.", "The deadline for $s is $small $month."), ("Until when can I {sign up|register} for $s?", "What is the deadline for $s?", "How long can I register for $s?")),
    },
    "person": {
        "job": (("$s {is|works as} a(n) $job{| in $city| at the $place}.", "$s earns a living as a(n) $job."), ("What is the job of $s?", "What does $s do?", "What does $s work as?", "What is $s's profession?", "Who is $s?")),
        "lives": (("$s lives in $city.", "$s has lived in $city since $year.", "The home of $s is in $city."), ("Where does $s live?", "In which city does $s live?", "What is the home of $s?", "In which town can I find $s?")),
        "born": (("$s was born in {$city|$year|$city in $year}.",), ("{Where|When} was $s born?", "In which {year|city} was $s born?", "Where does $s come from?")),
        "likes": (("$s {likes|loves|enjoys} $hobby.", "The hobby of $s is $hobby.", "In the evening $s likes $hobby."), ("What does $s {like|love|enjoy}?", "What is the hobby of $s?", "What does $s do in the evening?", "Which hobby does $s have?")),
        "eats": (("$s {eats|has|orders} $food {every $day|for lunch|for breakfast|for dinner}.", "The favourite food of $s is $food."), ("What does $s eat?", "What is the favourite food of $s?", "What does $s {have|order} for lunch?", "Which food does $s like?")),
        "pet": (("$s has a(n) $animal{| named $name}.", "$s keeps a(n) $animal."), ("Which animal does $s have?", "What pet does $s {have|keep}?", "Does $s have a pet?")),
        "speaks": (("$s speaks $language.", "$s {learned|studies|teaches} $language{| in $city}."), ("Which language does $s {speak|study|teach|know}?", "What language does $s {speak|study|teach}?", "What does $s teach?")),
        "travel": (("$s {went|travelled|moved} to $city {in $month|on $day|by train}.", "In $month $s moved to $city."), ("Where did $s {go|travel|move}?", "To which city did $s {go|move}?", "When did $s move?")),
        "late": (("$s was late because of $reason.", "Because of $reason, $s came late."), ("Why was $s late?", "Why did $s come late?", "What kept $s?")),
        "room": (("The {office|room} of $s is number $number.", "$s works in room $number.", "You can reach $s at extension $number."), ("In which room {does|can I find} $s{| work}?", "What is the room number of $s?", "How can I reach $s?", "Where does $s work?")),
        "married": (("$s is married to $name.", "$s and $name {married|met} in $year."), ("Who is $s married to?", "Who is the {wife|husband} of $s?", "When did $s marry?")),
    },
    "service": {
        "days": (("$s {takes|needs} $small {days|hours|minutes|weeks}.", "$s is ready {within|in} $small {days|hours|weeks}.", "Allow $small days for $s."), ("How long does $s take?", "When is $s ready?", "How many days does $s {take|need}?", "How long do I have to wait for $s?", "How fast is $s?")),
        "cost": (("$s costs $number euros {per month|per year|a day}.", "$s is free of charge{| for students| for members}.", "The fee for $s is $number euros."), ("How much {is|does} $s{| cost}?", "What does $s cost?", "What is the fee for $s?", "Is $s free?", "What is the price of $s?")),
        "contact": (("{For|To get|About} $s, {call|ask|write to} $name.", "$name is responsible for $s.", "Questions about $s go to $name."), ("Who is responsible for $s?", "Who can I ask about $s?", "Whom do I call {for|about} $s?", "Who takes care of $s?", "Who knows about $s?")),
        "how": (("You can {order|cancel|change|renew} $s {online|by email|by letter|in the settings|at the desk}.", "To {order|cancel|renew} $s, {fill in the form|press the $colour button|send an email|visit the $place}."), ("How {do|can} I {order|cancel|change|renew|get|stop} $s?", "What must I do to {order|cancel|renew} $s?", "Where can I {order|cancel|renew} $s?", "How is $s {ordered|cancelled|renewed}?")),
        "valid": (("$s is valid {for $small months|until $month|for one year}.", "$s {ends|expires} {after $small months|in $month}."), ("How long is $s valid?", "When does $s {end|expire}?", "Until when is $s valid?")),
        "needs": (("$s {needs|requires} {Python 3.$small|version $small|a password|$number GB of memory|a $noun}.", "You need {a passport|a $noun|a photo|$number points} for $s."), ("What does $s {need|require}?", "What do I need for $s?", "Which version does $s need?", "What is required for $s?")),
        "limit": (("$s is limited to $number {users|files|requests|people}.", "Up to $number {users|people|files} can use $s."), ("How many {users|people|files|requests} can use $s?", "What is the limit of $s?", "For how many users is $s?")),
        "backup": (("{A backup|A copy} of $s is made every {night|hour|$day}.", "$s is {checked|saved|updated} every {night|morning|$day|hour}."), ("How often is $s {saved|checked|updated|copied}?", "When is {a backup|a copy} of $s made?", "When is $s updated?")),
    },
    "animal": {
        "food": (("$s {eats|likes} $food.", "$s lives on $food.", "We feed $s with $food."), ("What does $s eat?", "What {do we feed|does one give} $s?", "Which food does $s like?", "What does $s live on?")),
        "home": (("$s {lives|sleeps|hides} in the {$container|$place|forest|garden|mountains}.",), ("Where does $s {live|sleep|hide}?", "Where can I see $s?", "In which place does $s live?")),
        "age": (("$s is $small years old.", "$s can live for $small years.", "$s was born in $month."), ("How old {is|does} $s{| get| become}?", "How long can $s live?", "What is the age of $s?")),
        "name": (("$s is called $name.", "The name of $s is $name."), ("What is $s called?", "What is the name of $s?", "How is $s called?")),
        "sound": (("$s is afraid of {the $animal|water|the dark|the $noun}.", "$s can {swim|jump|climb|run fast|fly}."), ("What is $s afraid of?", "What can $s do?", "Of what is $s afraid?")),
    },
    "town": {
        "people": (("$s has $number{| thousand} inhabitants.", "About $number thousand people live in $s."), ("How many people live in $s?", "How many inhabitants does $s have?", "What is the population of $s?", "How big is $s?")),
        "river": (("$s lies on the river $odd.", "The river in $s is called $odd.", "The $odd flows through $s."), ("Which river flows through $s?", "On which river is $s?", "What is the river in $s called?")),
        "known": (("$s is {known|famous} for its {$food|$noun|$place}.",), ("What is $s {known|famous} for?", "Why is $s {known|famous}?", "For what do people know $s?")),
        "mayor": (("The mayor of $s is $name.", "$name is the mayor of $s."), ("Who is the mayor of $s?", "Who leads $s?", "What is the name of the mayor of $s?")),
        "train": (("The train to $s leaves {at $hour|from platform $small}.", "Trains to $s leave at $hour."), ("When does the train to $s leave?", "From which platform does the train to $s leave?", "How can I get to $s?", "Which platform is for $s?")),
        "weather": (("It often rains in $s in $month.", "In $month it is {cold|hot|warm} in $s."), ("How is the weather in $s?", "When does it rain in $s?", "Is it {cold|hot|warm} in $s?")),
        "founded": (("$s was founded in $year.", "The first people came to $s in $year."), ("When was $s founded?", "How old is $s?", "In which year was $s founded?")),
    },
}

ASIDES: tuple[str, ...] = ("Please read the rules.", "Everybody is welcome.", "The team wishes you a nice day.", "This page was updated in $month.", "Keep your receipt.", "We are happy to help.", "There is no lift.", "Members get a letter every $month.", "The coffee is free.", "It was a $mood day.", "The number of visitors grew in $year.", "Our office has $small floors.", "Old files are deleted after $number days.", "Passwords must have $small letters.", "Invoices are sent by mail.")
