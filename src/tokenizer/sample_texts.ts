// Short texts of several kinds, written for `gpt tokenizer report`: what a tokenizer makes of each says what it was trained
// on. They are facts about nothing.

/** Texts by kind. */
export const SAMPLE_TEXTS: readonly { readonly kind: string; readonly text: string }[] = [
  {
    kind: 'news',
    text: `Harbour town votes to keep its night ferry

NORTHWICK, 3 March - After four hours of debate, the council of Northwick decided on Tuesday evening to keep the night ferry
to the islands for at least two more years. Fourteen members voted in favour, nine against, and one abstained.

The ferry, which leaves at 11:40 p.m. and returns before breakfast, carries fewer than sixty passengers on an average night.
Its operator lost $1.2 million last year and had asked for permission to sail only from Thursday to Sunday. "Nobody doubts
that the numbers are bad," said Mayor Elena Whitford, who had changed her mind since the autumn. "But a nurse who lives on
Gannet Island can't swim home."

Fishermen, bakers and hospital workers had filled the gallery long before the session began. Many of them wore yellow
raincoats, the colour of the campaign that collected 8,317 signatures within six weeks. When the result was read out, somebody
rang a ship's bell, and for a moment even those who had voted against the motion smiled.

Opponents warned that the decision would be paid for by others. "Every dollar that sails at midnight is a dollar that doesn't
repair the school roof," said Councillor Marcus Bell, the chairman of the finance committee. According to his estimate, the
subsidy will grow by about 6.5% a year unless fuel becomes cheaper. The operator has promised to present a plan for a smaller,
battery-powered vessel by the end of September.

It isn't the first time that the crossing has been in danger. In 1987 a storm destroyed the old pier, and the boats didn't run
for eleven months; in 2009 the shipping company went bankrupt. Each time the islanders organised a service of their own. "We'd
have done it again," said Ruth Okafor, 71, who sold tickets from her kitchen window in those days. "I've still got the stamp."

The next hearing, on fares for children and pensioners, is expected in May.
`,
  },
  {
    kind: 'code',
    text: `import math
from dataclasses import dataclass, field


@dataclass
class RunningMean:
    """Mean and variance of a stream, without keeping it."""

    count: int = 0
    mean: float = 0.0
    _m2: float = field(default=0.0, repr=False)

    def add(self, value: float) -> None:
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self._m2 += delta * (value - self.mean)

    @property
    def stddev(self) -> float:
        if self.count < 2:
            raise ValueError(f"need 2 values, have {self.count}")
        return math.sqrt(self._m2 / (self.count - 1))


if __name__ == "__main__":
    stats = RunningMean()
    for line in open("values.txt", encoding="utf-8"):
        stats.add(float(line.strip() or "nan"))
    print("%d values, mean %.3f" % (stats.count, stats.mean))

#include <stddef.h>
#include <stdint.h>

/* Removes the first entry with this key; returns 1 if there was one. */
static int list_remove(struct node **head, uint32_t key) {
    for (struct node **at = head; *at != NULL; at = &(*at)->next) {
        if ((*at)->key == key) {
            struct node *gone = *at;
            *at = gone->next;
            free(gone);
            return 1;
        }
    }
    return 0;
}

export async function retry<T>(attempt: () => Promise<T>, times = 3): Promise<T> {
  let last: unknown;
  for (let i = 0; i < times; i++) {
    try {
      return await attempt();
    } catch (error) {
      last = error;
      await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** i));
    }
  }
  throw last;
}

SELECT c.name, COUNT(*) AS orders, SUM(o.total_cents) / 100.0 AS spent
FROM customers AS c
JOIN orders AS o ON o.customer_id = c.id
WHERE o.created_at >= '2021-01-01' AND o.status <> 'cancelled'
GROUP BY c.name
HAVING COUNT(*) > 5
ORDER BY spent DESC;

$ tar -czf backup-$(date +%F).tar.gz --exclude='*.tmp' ./src && ls -lh *.gz | awk '{print $5, $9}'
`,
  },
  {
    kind: 'mathematics',
    text: String.raw`\begin{theorem}
Let $f \colon [a,b] \to \mathbb{R}$ be continuous, and let $f(a) < 0 < f(b)$. Then there is a $c \in (a,b)$ with $f(c) = 0$.
\end{theorem}
\begin{proof}
Put $a_0 = a$, $b_0 = b$, and for $n \ge 0$ let $m_n = \frac{1}{2}(a_n + b_n)$. If $f(m_n) \le 0$, set $a_{n+1} = m_n$ and
$b_{n+1} = b_n$; otherwise $a_{n+1} = a_n$ and $b_{n+1} = m_n$. The intervals shrink, $b_n - a_n = 2^{-n}(b - a)$, so both
sequences converge to one limit $c$, and by continuity $f(c) = \lim_{n\to\infty} f(a_n) \le 0 \le \lim_{n\to\infty} f(b_n)
= f(c)$.
\end{proof}

For a matrix $A \in \mathbb{R}^{m \times n}$ of rank $r$, write $A = U \Sigma V^{\top} = \sum_{i=1}^{r} \sigma_i u_i v_i^{\top}$.
Among all matrices $B$ of rank at most $k$,
\[
  \min_{B} \lVert A - B \rVert_F^2 = \sum_{i=k+1}^{r} \sigma_i^2 , \qquad
  \lVert A \rVert_2 = \sigma_1 .
\]

The integral follows by parts: ∫₀^∞ x² e^(−λx) dx = 2/λ³ for λ > 0. Hence E[X²] = 2/λ², E[X] = 1/λ and Var(X) = 1/λ².
If ∀ε > 0 ∃δ > 0 : |x − y| < δ ⇒ |f(x) − f(y)| < ε, then f is uniformly continuous; √2 ∉ ℚ, π ≈ 3.14159265, ℵ₀ < 2^ℵ₀.

Solve 3x² − 7x + 2 = 0. The discriminant is (−7)² − 4·3·2 = 49 − 24 = 25, so x = (7 ± 5)/6, that is, x₁ = 2 and x₂ = 1/3.
Check: 3·4 − 7·2 + 2 = 12 − 14 + 2 = 0. A die is thrown 4 times; the chance of no six is (5/6)^4 = 625/1296 ≈ 48.2%.
`,
  },
  {
    kind: 'tables',
    text: `station,date,min_c,max_c,rain_mm,wind_kmh
NW-014,2023-01-09,-3.2,4.7,0.0,12.5
NW-014,2023-01-10,-1.8,5.1,2.4,31.0
NW-014,2023-01-11,0.6,7.9,11.8,44.3
NW-027,2023-01-09,-7.5,-0.4,0.0,8.1
NW-027,2023-01-10,-6.1,1.2,0.7,19.6
NW-027,2023-01-11,-2.0,3.3,5.9,27.2

| quarter | units  | revenue (EUR) | change  | share  |
|---------|-------:|--------------:|--------:|-------:|
| 2022 Q1 | 10,482 |  1,257,840.00 |  +3.1 % | 21.7 % |
| 2022 Q2 | 11,903 |  1,428,360.00 | +13.6 % | 24.7 % |
| 2022 Q3 |  9,776 |  1,173,120.00 | -17.9 % | 20.3 % |
| 2022 Q4 | 16,051 |  1,926,120.00 | +64.2 % | 33.3 % |

{"id": 90071, "lat": 54.32871, "lon": -7.11904, "tags": ["pier", "lamp"], "height": 12.25, "open": null}
{"id": 90072, "lat": 54.33015, "lon": -7.12388, "tags": [], "height": 3.5, "open": "06:30-22:15"}

192.168.12.7 - - [17/Oct/2022:06:25:24 +0000] "GET /tides/2022/10/17.json HTTP/1.1" 200 48213
192.168.12.9 - - [17/Oct/2022:06:25:31 +0000] "POST /login HTTP/1.1" 302 0

  1  299792458      2  6.62607015e-34   3  1.602176634e-19   4  1.380649e-23
 17  31  47  61  79  101  113  139  157  173  193  211  233  251  271  293
0x00ff 0x1a2b 0xdead 0xbeef 00000000 00000001 00000011 00000111 00001111
Order no. 4471-0092, 12 x 19.90 = 238.80, VAT 20 % = 47.76, total 286.56, IBAN XX12 3456 7890 1234 5678 90
`,
  },
  {
    kind: 'European',
    text: `Der Leuchtturm am Ende der Mole ist seit dreißig Jahren außer Betrieb, aber jeden Abend steigt jemand die hundertzwölf
Stufen hinauf und zündet eine Lampe an. Früher war das die Aufgabe des Wärters; heute wechseln sich die Nachbarn ab, und wer an
der Reihe ist, bringt Kuchen mit. Über die Größe der Stücke wird gelegentlich gestritten.

Le marché commence à six heures, quand la brume est encore posée sur la rivière. Les premières clientes connaissent déjà les
prix : elles hésitent, elles goûtent, puis elles achètent toujours la même chose. À midi, il ne reste que des feuilles de
chou, un chien endormi et l'odeur du café.

El tren de las nueve llegó con veinte minutos de retraso, y nadie se quejó. La estación tenía goteras; debajo de cada una
alguien había puesto una maceta, de modo que los días de lluvia los geranios crecían sin que nadie se ocupara de ellos.
¿Quién necesita un jardinero?

Zimą jezioro zamarza tak mocno, że dzieci chodzą do szkoły prosto przez lód. Nauczycielka twierdzi, że wtedy spóźniają się
rzadziej niż latem, kiedy ścieżka wzdłuż brzegu pełna jest żab, jeżyn i innych ważnych spraw.

Yağmur dindiğinde bütün sokak dışarı çıktı. Çocuklar su birikintilerinin üzerinden atlıyor, yaşlılar gökyüzüne bakıp yarının
havasını tartışıyordu. Fırıncı, ıslanan ekmeklerin yarısını kuşlara verdi.
`,
  },
  {
    kind: 'East Asian',
    text: `村子里有一口老井，井边的石头被绳子磨出了深深的沟。奶奶说，她小时候每天要来打三次水，冬天手冻得通红。现在家家都有自来水，可是夏天的傍晚，
大家还是喜欢坐在井边聊天，吃西瓜，听青蛙叫。去年有人提议把井填平，修一个停车场，全村没有一个人同意。

駅前の小さな本屋は、雨の日だけ少し混みます。傘を忘れた人たちが入ってきて、棚の前でゆっくり時間を過ごすからです。店主のおじいさんは何も言わずに
お茶を出してくれます。買わなくてもかまいません。ただし、読みかけの本にはしおりをはさんでおくこと。それがこの店のたった一つのルールです。

우리 동네 빵집은 새벽 네 시에 불을 켠다. 골목을 지나는 사람은 거의 없지만, 따뜻한 냄새는 창문마다 찾아간다. 할머니는 그 냄새로 시간을 안다고
말씀하신다. 시계가 고장 난 지 벌써 삼 년이 되었는데도 아무도 고칠 생각을 하지 않는다.
`,
  },
  {
    kind: 'other scripts',
    text: `Осенью в деревне пахнет яблоками и дымом. Старики чинят заборы, дети собирают листья, а кот с соседнего двора
каждый день приходит проверить, не осталось ли сметаны. Когда выпадет первый снег, все будут делать вид, что не ждали его.

Το καΐκι έφυγε πριν ξημερώσει. Ο καπετάνιος δεν μιλούσε πολύ· κοίταζε τον ορίζοντα και μετρούσε τα κύματα. Όταν γύρισαν το
μεσημέρι, τα δίχτυα ήταν άδεια, αλλά κανείς δεν φαινόταν λυπημένος.

كان في الحديقة شجرة تين قديمة يجتمع تحتها الجيران كل مساء. يشربون الشاي ويحكون القصص نفسها، وكل مرة يضحكون كأنهم يسمعونها لأول
مرة. وفي الشتاء ينتقلون إلى بيت صاحب أكبر مدفأة.

नदी के किनारे एक छोटा सा स्कूल है जहाँ सिर्फ़ सत्रह बच्चे पढ़ते हैं। बारिश के दिनों में वे नाव से आते हैं और मास्टर जी हर
बच्चे के लिए सूखा तौलिया तैयार रखते हैं। छुट्टी के बाद सब मिलकर कागज़ की नावें बनाते हैं।

בכל יום שישי אופה השכנה לחם ומחלקת חצי ממנו. מי שמגיע מוקדם מקבל את הקצה הפריך, ומי שמאחר מקבל סיפור.

ตลาดน้ำเปิดตั้งแต่เช้ามืด แม่ค้าพายเรือมาขายผลไม้และขนมร้อนๆ นักท่องเที่ยวถ่ายรูป ส่วนแมวบนท่าน้ำรอปลาอย่างอดทน
`,
  },
];
