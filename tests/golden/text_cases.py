"""Texts that normalizers and tokenizers are tried on; used by make_text.py."""

import itertools
import random

ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth twentieth thirtieth fortieth hundredth thousandth millionth".split()

ENGLISH = r"""
Hello, World!
It's nineteen ninety nine.
in nineteen oh five
nineteen eighty-four was a year
two thousand and one
two thousand one
twenty twenty-four
twenty ten
in the nineteen sixties
the 1960s and the 60's
the twenties
three hundred and sixty five days
one hundred and one dalmatians
a hundred and one
one thousand two hundred thirty four
1,234,567 people
1,000 and 2,000
12,34
three point one four one five nine
3.14159
zero point five
point five
oh point seven
two and a half
two and a half million dollars
and a half
half and a half and a half
three and a half percent
fifty percent
fifty per cent
fifty per hour
100%
100 %
5 percent of 20
%
a % b
20 dollars
twenty dollars and five cents
$20 million
$20
$ 20
$2 and 7 cents
two dollars and seven cents
two dollars seven cents
seven cents
£5 and 99 pence
five pounds ninety
five pounds
5 euros
€5.50
¢50
one euro
one dollar
$1
$1.00
$0.50
ten thousand pounds
minus twenty degrees
negative five
plus one
plus that
positive 3.5
minus
-5 degrees
+5
first second third
the first of January
twenty first century
twenty-first
the 21st century
21 st
the 3rd and 4th
22nd
one hundred and first
two hundredth
three thousandths
one oh one
one oh one point five
double oh seven
double seven
triple nine
triple five double two one
double trouble
triple
double
ones and twos
the one
one
ones
1
1s
no one knows
one by one
one two three four five
one two three
twelve thirteen
twenty thirty
twenty one two
ninety nine bottles
six sixes
sixteenths
five five five one two one two
eight hundred five five five
call 555-1234 now
my number is oh two oh seven nine four six
192.168.0.1
one nine two point one six eight point zero point one
version 2.0.1
1.5 million
1.5 thousand
2.55 thousand
1.2345 thousand
three million two hundred thousand
million
millions of people
hundreds and thousands
a thousand million billion
one trillion
one decillion
nine hundred ninety nine decillion
nine nonillion octillion
two hundred hundred
zero hundred
zero
oh no
o brother where art thou
o o o
zero zero seven
00 7
007
1000000000000000000000000000000000000000 and two
99999999999999999999 hundred
3rd
10th 11th 12th
10 th
4 x 4
4x4
b2b and mp3
the a1 road
5km
10am to 5pm
5 pm
5s
20s
and
and and and
one and two
hundred and two
hundred and
twenty and two
five and
and five
point
point five five
that is the point
five point
five point five point
the point five
7-eleven
won't can't let's ain't
y'all wanna gotta gonna
I'ma imma woulda coulda shoulda
ma'am yes ma'am
Mr. Smith and Mrs. Jones
Mr Smith met Mrs Jones on St. James St.
Dr. Who
Prof. Plum, Capt. Hook, Gov. X
Ald. Y, Gen. Z, Sen. A, Rep. B, Pres. C, Rev. D, Hon. E
asst assoc lt col jr sr esq
John Jr. and John Sr., Esq.
he'd been there
it's been a while
they'd gone
she's gone home
I'd done it
he's got it
he's done
isn't doesn't couldn't
we're you're they're
that's John's book
I'd like that
we'll see
'twas the night
't
I've you've I'm
rock 'n' roll
the dogs ' bone
it 's fine
it  's   fine
don 't
“Smart quotes” and ‘single’ it’s
colour favourite centre theatre
the organisation recognised the programme
travelled cancelled modelling
analyse paralyse
defence licence practise
grey aluminium tyre
colours
accessorise and acclimatise
manoeuvre oesophagus
flyer / flier
archaeology
Colour's
hmm um uh mhm mmm mm
Hmm, well, um, I uh don't know.
hum ummm uhh
humming mmmmm
[noise] hello [laughter]
<unk> hello <b>bold</b>
(applause) thank you (really)
nested (one (two) three) four
[nested [one] two] three
unbalanced (paren here
unbalanced paren) here
[mixed> and <mixed]
()
( )
[]
<>
café naïve résumé façade
Zoë's piñata
Ærøskøbing Łódź Straße þing ðat đak œuvre
ﬁne ligature
ｆｕｌｌ ｗｉｄｔｈ １２３
½ cup and ⅓ more
x² + y² = z²
H₂O
№ 5
10€ and 20£
5¢
a.b.c.
U.S.A. and U.K.
e.g. this, i.e. that
end.
...
wait... what
3. item
.5
5.
a .5 b
$.50
$five
$ five
£
€ euro
$$$
100$
100$ bill
tab	separated
multiple    spaces
  leading and trailing  
new
under_score and hyphen-ated
e-mail me@example.com
http://example.com/path?x=1
C++ and C#
rock&roll
50/50
24/7
9/11
1/2
1-2-3
3:45
12:30 pm
#1
@one
*star*
~tilde~
`code`
a=b
ÉCOLE
İstanbul
ΑΒΓ αβγ
Привет мир
你好 世界
日本語テスト
한국어
हिन्दी
مرحبا
e͏́
🙂 smile 👍🏽
—dash–dash‐hyphen
non breaking space
zero​width
soft­hyphen
he said 'quote'
quote's 'n
o'clock
five o'clock
twenty o'clock
fo'c'sle
will o' the wisp
y'all'd've
I'd've
mustn't've
who'd've thought
she's been gone
what's up doc
gov't
dr dr dr
st st
sr. jr.
no. 5
vol. 3
pp. 12
hundredth time
millionth visitor
two millionths
twenties thirties forties
twentieth-century
fourteen ninety two
sixteen hundred
nineteen hundred and five
eleven hundred
twelve hundred fifty
fifteen hundred dollars
twenty five hundred
one hundred twenty three thousand four hundred fifty six
nine hundred eighty seven million six hundred fifty four thousand three hundred twenty one
one million and one
two billion three million four thousand five
ten ten
ten one
one ten
one eleven
twenty eleven
one twenty
one twenty three
one hundred one
thirty three and a third
four score and seven years ago
seven of nine
catch twenty two
apollo thirteen
route sixty six
boeing seven forty seven
three two one zero
two point five percent
zero point zero one
ten point five million
minus two point five
minus twenty dollars
plus five percent
five percents
per cent
percent
cent
cents
dollar
ten cent
ten dollar bill
fifty cent
a dollar fifty
one dollar and fifty cents
one hundred dollars and one cent
3 dollars 4
$3.5 and 20 cents
$0.05
$0.5
£0.99
zero dollars
zero cents
five hundred k
10k run
the 80s 90s and 00s
1990's
90s
ninety five theses
forty-two
forty‑two
forty — two
one, two, three
one. two. three.
one; two: three
1, 2, 3
1,2,3
1.000,50
1 000 000
""".strip("\n").split("\n")

EXTRA = ["", " ", "\n", "a\nb", "\t", "a\u00a0b", "\u3000wide\u3000space", "e\u0301 vs \u00e9", "A\u030angstrom", "\u2126 \u212b",
         "one\u00a0hundred", "two\u2003hundred", "don\u2019t", "1\u20442", "\u0661\u0662\u0663", "\u00b2", "x\u00b2", "5\u00b0", "\u2160\u2161",
         "\ufb03", "(\u00e9)", "\u1e9e", "\u00df", "na\u00efve co\u00f6perate", "\u200bzero", "a\u200db", "\u0130", "\u01c5",
         "$1,234.56", "$1,234,567", "1,2345", "12,345.67", "1.5.2", "3.", "3 .", ". 3", "-3.5%", "five%", "a%", "9%%", "$-5", "+$5",
         "one hundred and a half", "million and a half", "dog and a half", "two and a half and three and a half", "and a half million"]

BASIC = r"""
Hello, World! [noise] (applause)
<unk> test
Ça va très bien, merci !
L'été à la plage; où es-tu?
¿Cómo estás? ¡Muy bien!
El niño comió piñas.
Привет, мир! Ёлка и йод.
Это «цитата» — да…
Perché no? È così.
Über die Straße — „Zitat“
Größe: 12,5 cm
你好，世界！
今天天气很好。
他說：「好」（笑）
日本語のテスト。ひらがな、カタカナ！
ﾊﾝｶｸ ｶﾀｶﾅ
한국어 문장입니다.
हिन्दी में लिखा है।
नमस्ते दुनिया
สวัสดีชาวโลก
مرحبا بالعالم!
שָׁלוֹם עולם
ภาษาไทย
Ελληνικά: καλημέρα
İstanbul'da ığdır
Việt Nam đẹp lắm
Łódź i Kraków
þetta er íslenska
ærlig smørrebrød på
1,234.5 и 6%
ﬁ ﬂ ﬃ
e͏́ é é
👩‍👩‍👧 family 👍🏽
🇫🇷 flag
()
(a)(b)
(a (b) c)
[a] <b> [c>
a_b-c/d
   spaces   
$100 €5 £3
½ ⅓ ²
Ⅳ ⅷ
ǅ Ǉ
ß ẞ
த ​மிழ்
বাংলা ভাষা
తెలుగు
ქართული
Հայերեն
አማርኛ
ខ្មែរ
မြန်မာ
ລາວ
සිංහල
ਪੰਜਾਬੀ
ગુજરાતી
മലയാളം
ಕನ್ನಡ
བོད་ཡིག
""".strip("\n").split("\n")

TOKENIZER_TEXTS = [
    "", " ", "  ", "   ", "a", " a", " the", "the", " the the", " don't  stop", "don't", "I'LL we'll", "'s 't 're 've 'm 'll 'd 'x", " ñ", "ñ", "señor",
    " it's the and you of to", "Hello, world!", " hello\nworld", "\n", "\n\n\n", "a\n\n b", "tab\there", "trailing   ", "   leading", " a  b   c    d",
    "100%", " 1000000", "3.14", "x=1;y=2", "...", " ... ..", "!!!???", " —", "“quotes”", "it’s", "Привет мир", " и", "你好世界", "日本語 テスト", "한국어",
    " हिन्दी", "مرحبا", "🙂", " 🙂🙂", "👩‍👩‍👧", "é", "é", "\u00a0nbsp", "\u3000", "\u2028", "a\u200bb", "\x00", "\x7f", "½²", "Ⅳ", "ªº", "ʰ", "_under_score",
    "<|en|>", "<|endoftext|>", "<|0.00|>", " And so my fellow Americans, ask not what your country can do for you", " ¿Cómo estás?",
    " Ça va très bien", "Straße", "\r\n", " \n \n", "a \nb", "a\n b", "'", " '", "''", "'S", " 's", "12ab34", "ab12cd", "…",
]


def english_strings():
    rng = random.Random(4)
    out = list(ENGLISH) + EXTRA
    words = (ONES + TENS + ORDINALS + "hundred thousand million billion hundreds thousands twenties fives and and a half point oh o double triple minus "
             "dollars cents pounds euros percent per cent dog 5 12 100 1.5 3.25 $5 £7 ¢50 2000 first 3rd one ones plus".split())
    for _ in range(400):  # random walks in the number grammar: where ports go wrong
        out.append(" ".join(rng.choice(words) for _ in range(rng.randint(2, 7))))
    for a, b in itertools.product(("nineteen", "twenty", "eighteen"), ("oh one", "ten", "twenty five", "ninety nine", "hundred", "sixties")):
        out.append(f"in {a} {b} we met")
    return list(dict.fromkeys(out))
