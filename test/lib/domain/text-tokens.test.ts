import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundTextTokens, estimateTextTokens, textWeight, tokensOfWeight } from '../../../lib/domain/text-tokens.ts';

/**
 * Texts with the larger of their token counts by OpenAI's o200k and cl100k encodings (gpt-tokenizer 3), counted once.
 */
const COUNTED: readonly (readonly [text: string, tokens: number])[] = [
  ['The harbour master wrote down every ship that came in before dawn, its cargo, and the name of whoever paid the toll.', 25],
  [
    'export function settle(entry: LedgerEntry, held: Money): Money {\n  const cost = entry.cost ?? held;\n  return cost > held ? cost : held;\n}\n',
    34,
  ],
  [
    'Die Hafenmeisterin schrieb jedes Schiff auf, das vor Tagesanbruch einlief, seine Ladung und den Namen dessen, der die Gebühr bezahlte.',
    41,
  ],
  ['港务长记下了黎明前进港的每一艘船、船上的货物，以及付费人的姓名。', 37],
  ['港湾長は夜明け前に入港したすべての船と積み荷、そして料金を払った人の名前を書き留めた。', 52],
  ['항만장은 새벽 전에 들어온 모든 배와 화물, 그리고 통행료를 낸 사람의 이름을 적었다.', 49],
  ['Начальник порта записывал каждое судно, пришедшее до рассвета, его груз и имя того, кто платил пошлину.', 45],
  ['كتب مدير الميناء كل سفينة وصلت قبل الفجر وحمولتها واسم من دفع الرسوم.', 48],
  ['מנהל הנמל רשם כל ספינה שהגיעה לפני עלות השחר, את מטענה ואת שם המשלם.', 67],
  ['นายท่าจดชื่อเรือทุกลำที่เข้ามาก่อนรุ่งสาง สินค้า และชื่อผู้จ่ายค่าผ่านทาง', 62],
  ['बंदरगाह के मालिक ने भोर से पहले आने वाले हर जहाज का नाम लिखा।', 59],
  ['የወደቡ ኃላፊ ከንጋት በፊት የገባውን እያንዳንዱን መርከብ ጻፈ።', 98],
  [
    '{"ship":"Aurora","cargo":[{"kind":"salt","tons":42.5},{"kind":"tea","tons":3}],"paid":true,"toll":null,"at":"2026-03-04T05:06:07.089Z"}',
    55,
  ],
  ['id,ship,tons,at\n1,Aurora,42.5,2026-03-04\n2,Borealis,3.25,2026-03-05\n3,Castor,918.75,2026-03-06\n', 56],
  ['<ul class="ships"><li id=\'s1\'>Aurora&nbsp;&mdash; 42.5&thinsp;t</li></ul>', 33],
  ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', 43],
  ['3f2a9c1e-77b4-4d0a-9e55-0c8f1d2b6a73 c0ffee00-1234-4abc-8def-5678abcd9012', 52],
  [
    'APwSQoz1cxDHmIOIp+A4pTHSkmxgbpvdObRJ87yfnLPpNJkdu25ALDJXkeVY4IdIIxgnUJj1cQKyfGBedqj5X+R+Nwr3/h9ftCixWRv37f0na85G3Y5ZPj1WidZCw2Md8d/nCUWgEJ9IC+Pa8BtgxD3Vh040NFOH1ULEZSD15O0QTakaqlQT8ekALHLXUeqdZUxSbaLxX+KEQBYGEDRyz0HSfUIhGi1aoQeCHNCehoik2i+Z',
    166,
  ],
  ['🚢⚓️🌊 👩‍✈️ 🇳🇴 ✅ 😀🎉', 29],
  ['∑ᵢ xᵢ² ≤ ∫₀^∞ e^{-x²} dx → √π/2 ⇒ α ∈ ℝ', 34],
  ['!@#$%^&*()_+{}|:"<>?~`-=[]\\;\',./!@#$%^&*()', 28],
  ['WARNING: DO NOT MOOR AT PIER SEVEN WITHOUT PERMISSION OF THE HARBOUR MASTER', 20],
];

describe('boundTextTokens', () => {
  it.each(COUNTED)('is not below the tokenizers for %j', (text, tokens) => {
    expect(boundTextTokens(text)).toBeGreaterThanOrEqual(tokens);
  });

  it.each([
    ['', 0],
    ['hello world', 4],
    ['HTTP', 2],
    ['Hello', 2],
    ['2026', 4],
    ['a 1', 3],
    ['{"a":', 3],
    ['-'.repeat(12), 12],
    ['a\n\n\n\n\nb', 4],
    ['ñ', 2],
    ['汉字', 3],
    ['ሀ', 3],
    ['😀', 4],
    ['\ud83d', 3],
    ['x'.repeat(30), 23],
    ['a1'.repeat(50), 75],
  ])('counts %j as %i', (text, tokens) => {
    expect(boundTextTokens(text)).toBe(tokens);
  });

  it('never exceeds a token per byte, and grows with the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (left, right) => {
        const tokens = boundTextTokens(`${left} ${right}`);

        expect(tokens).toBeLessThanOrEqual(Buffer.byteLength(`${left} ${right}`));
        expect(tokens).toBeGreaterThanOrEqual(boundTextTokens(right));
      }),
    );
  });

  it('stays linear on a text that looks packed all over', () => {
    expect(boundTextTokens(`${'a'.repeat(40)} `.repeat(20_000))).toBe(600_000);
  });
});

describe('estimateTextTokens', () => {
  it('lies near the tokenizers for prose and code in Latin letters', () => {
    for (const [text, tokens] of COUNTED.slice(0, 3)) {
      expect(estimateTextTokens(text) / tokens, text).toBeGreaterThan(0.7);
      expect(estimateTextTokens(text) / tokens, text).toBeLessThan(1.4);
    }
  });

  it('adds up over pieces without rounding each', () => {
    const text = 'A stream arrives in very small pieces: 漢字, ñ, नमस्ते, 😀 and 42.';

    const pieces = Array.from(text).reduce((sum, piece) => sum + textWeight(piece), 0);

    expect(tokensOfWeight(pieces)).toBe(estimateTextTokens(text));
  });
});
