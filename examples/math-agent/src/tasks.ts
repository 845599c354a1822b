/** A problem with its right answer. */
export interface Task {
  /** `percentages-03` */
  readonly id: string;
  readonly topic: string;
  readonly question: string;
  readonly reference: string;
  /** How the reference comes about, worked by hand and apart from the agent's plans: a test holds one against the other. */
  readonly worked: string;
}

type Line = readonly [question: string, reference: string, worked: string];

function topic(name: string, ...lines: readonly Line[]): readonly Task[] {
  return lines.map(([question, reference, worked], place) => ({
    id: `${name}-${String(place + 1).padStart(2, "0")}`,
    topic: name,
    question,
    reference,
    worked,
  }));
}

/** What the agents are asked. */
export const tasks: readonly Task[] = [
  ...topic(
    "arithmetic",
    ["Compute 48 / (2 + 6) * 5.", "30", "48 / 8 * 5"],
    ["What is 125 - 4 * 19?", "49", "125 - 76"],
    ["Work out (17 + 8) * 6 - 90 / 4.", "127.5", "150 - 22.5"],
    ["Calculate 2^5 + 7 * 3 - 11.", "42", "32 + 21 - 11"],
    ["What is 7 minus 12 plus 9?", "4", "16 - 12"],
    ["Evaluate 3.6 * 2.5 - 1.75.", "7.25", "9 - 1.75"],
    ["Work out 1,250 + 3,480 - 2,975.", "1755", "4730 - 2975"],
    ["What is the sum of 3.65 and 12.8?", "16.45", "3.65 + 12.8"],
    ["Add 17 to the product of 6 and 9.", "71", "54 + 17"],
    ["Subtract 12 from the quotient of 96 and 4.", "12", "24 - 12"],
    ["What is half of the difference between 83 and 29?", "27", "54 / 2"],
    ["Multiply the sum of 14 and 11 by 8, then subtract 50.", "150", "25 * 8 - 50"],
    ["Work out (4.2 + 3.9) * (10 - 2.5) / 3.", "20.25", "8.1 * 7.5 / 3"],
  ),
  ...topic(
    "fractions",
    ["Work out 3/4 + 1/6 as a fraction.", "11/12", "9/12 + 2/12"],
    ["What is 5/6 - 3/8?", "11/24", "20/24 - 9/24"],
    ["What is 2/3 of 81?", "54", "2 * 27"],
    ["What is three quarters of two fifths of 200?", "60", "3/4 * 80"],
    ["Work out 2/3 * 9/14.", "3/7", "18 / 42"],
    ["Divide 5/8 by 3/4.", "5/6", "5/8 * 4/3"],
    [
      "A ribbon is 24 metres long. Ana uses a third of it and Ben uses a quarter of it. How many metres are left?",
      "10",
      "24 * (1 - 1/3 - 1/4)",
    ],
    [
      "A book has 350 pages. Omar read 2/5 of it on Saturday and a third of the rest on Sunday. How many pages are left?",
      "140",
      "350 * 3/5 * 2/3",
    ],
    ["A tank holds 60 litres and is 3/4 full. How many more litres does it need?", "15", "60 / 4"],
    ["A baker has 45 kg of flour. He uses 2/9 of it. How many kg are left?", "35", "45 * 7/9"],
  ),
  ...topic(
    "percentages",
    ["What is 15% of 240?", "36", "0.15 * 240"],
    ["What is 8% of the sum of 150 and 100?", "20", "0.08 * 250"],
    ["What percent of 80 is 28?", "35", "28 / 80 * 100"],
    ["45 is what percent of 60?", "75", "45 / 60 * 100"],
    ["A coat costs $80 and is reduced by 15%. What is the new price?", "68", "80 * 0.85"],
    ["The rent of $640 goes up by 5%. What is the new rent?", "672", "640 * 1.05"],
    ["After a 20% discount a bag costs $60. What was the price before the discount?", "75", "60 / 0.8"],
    ["The price of a phone falls from $250 to $215. By what percent did it fall?", "14", "35 / 250 * 100"],
    ["A club grew from 160 to 184 members. By what percent did it grow?", "15", "24 / 160 * 100"],
    [
      "A town of 12,000 people grows by 10% in one year and shrinks by 10% in the next. How many people live there then?",
      "11880",
      "12000 * 1.1 * 0.9",
    ],
    ["A meal costs $48. With a 15% tip, how much is paid?", "55.20", "48 * 1.15"],
    ["Of 250 pupils, 38% walk to school. How many pupils do not walk?", "155", "250 * 0.62"],
    ["A school has 640 pupils, and 45% of them are boys. How many are boys?", "288", "640 * 0.45"],
    [
      "A jacket costs $120. It is reduced by 25%, and then a tax of 8% is added. What is the final price?",
      "97.20",
      "120 * 0.75 * 1.08",
    ],
    ["A number is increased by 20% and becomes 90. What was the number?", "75", "90 / 1.2"],
    ["A machine worth $8,000 loses value by 10% each year. What is it worth after 3 years?", "5832", "8000 * 0.9^3"],
  ),
  ...topic(
    "interest",
    ["Find the simple interest on $500 at 4% a year for 3 years.", "60", "500 * 0.04 * 3"],
    [
      "$1,200 is lent at 6% simple interest a year. How much is owed altogether after 5 years?",
      "1560",
      "1200 * (1 + 0.06 * 5)",
    ],
    [
      "$2,000 is saved at 5% compound interest a year. How much is in the account after 2 years?",
      "2205",
      "2000 * 1.05^2",
    ],
    ["How much compound interest do $4,000 earn at 10% a year for 3 years?", "1324", "4000 * (1.1^3 - 1)"],
  ),
  ...topic(
    "shopping",
    ["A notebook costs $3.50 and a pen costs $1.20. How much do 4 notebooks and 5 pens cost?", "20", "14 + 6"],
    [
      "A sandwich costs $4.25 and a juice costs $1.80. Lea buys 3 sandwiches and 2 juices with a $20 note. How much change does she get?",
      "3.65",
      "20 - (12.75 + 3.6)",
    ],
    ["Tickets cost $12 for adults and $7 for children. How much do 2 adults and 3 children pay?", "45", "24 + 21"],
    [
      "A T shirt costs $18 and a cap costs $11. How much do 2 shirts and 3 caps cost with a 10% discount?",
      "62.10",
      "(36 + 33) * 0.9",
    ],
    [
      "A pizza costs $13.50. Four friends order 4 pizzas and add a 20% tip. How much is it if they split the bill between the 4 of them?",
      "16.20",
      "54 * 1.2 / 4",
    ],
    ["Stamps cost $0.85 each. How much do 24 stamps cost?", "20.40", "24 * 0.85"],
    ["A muffin costs $2.40. How many muffins can Ida buy with $20?", "8", "floor(20 / 2.4)"],
    [
      "A lamp costs $35 and a bulb costs $4.50. What is the price of 2 lamps and 6 bulbs with a $10 voucher?",
      "87",
      "70 + 27 - 10",
    ],
    ["A book costs $14. Noor orders 3 books, and delivery costs $5.50. How much does she pay?", "47.50", "42 + 5.5"],
    [
      "A chair costs $45 and a table costs $120. How much do 6 chairs and a table cost with 8% sales tax?",
      "421.20",
      "(270 + 120) * 1.08",
    ],
    [
      "An apple costs $0.60 and a melon costs $2.75. Sam buys 7 apples and 2 melons and pays with $10. How much change does he get?",
      "0.30",
      "10 - (4.2 + 5.5)",
    ],
    [
      "Entry is $9 per adult and $5 per child. How much do 2 adults and 4 children pay with a 25% discount?",
      "28.50",
      "(18 + 20) * 0.75",
    ],
  ),
  ...topic(
    "stories",
    [
      "Mia has 24 stickers. She gives 5 away and buys 3 packs of 8. How many stickers does she have now?",
      "43",
      "24 - 5 + 24",
    ],
    [
      "A shop has 130 eggs. It sells 4 boxes of 12 and then 17 more are broken. How many eggs are left?",
      "65",
      "130 - 48 - 17",
    ],
    [
      "Tom has $60. He spends $14.50 on a book, earns $22 and spends half of what is left on a game. How much money does he have now?",
      "33.75",
      "(60 - 14.5 + 22) / 2",
    ],
    [
      "There are 18 people on a bus. At the first stop 6 get off and 9 climb on. At the next stop a third of them get off. How many people are there now?",
      "14",
      "(18 - 6 + 9) * 2/3",
    ],
    [
      "A farmer picks 6 crates of 35 apples. He gives 24 away and puts the rest equally into 6 bags. How many apples are in each bag?",
      "31",
      "(210 - 24) / 6",
    ],
    [
      "A water tank holds 500 litres. A gardener uses 30% of it in the morning and 120 litres in the evening. How many litres are left?",
      "230",
      "350 - 120",
    ],
    [
      "Ravi bakes 48 rolls. His family eats a quarter of them. He sells half of the rest. How many rolls are left?",
      "18",
      "48 * 3/4 / 2",
    ],
    [
      "A library has 1,240 books. It buys 85 new ones, lends 310 and gets 140 back. How many books are there now?",
      "1155",
      "1240 + 85 - 310 + 140",
    ],
    [
      "Zoe saves 5 coins of $2 each. She earns $12.50, spends $7.25 and pays $3.75 for a card. How much money is left?",
      "11.50",
      "10 + 12.5 - 7.25 - 3.75",
    ],
    [
      "A hall has 14 rows of 22 chairs. 37 are taken away and then 2 rows of 18 are added. How many chairs are there now?",
      "307",
      "308 - 37 + 36",
    ],
    [
      "Kim has 96 beads. She uses 3/8 of them for a necklace, buys 25 more and gives 10 to her sister. How many beads has she now?",
      "75",
      "60 + 25 - 10",
    ],
    [
      "A class collects 7 bags of 15 bottles. They lose 9 and share the rest equally between 8 bins. How many bottles does each bin get?",
      "12",
      "(105 - 9) / 8",
    ],
  ),
  ...topic(
    "rates",
    ["A machine makes 84 bottles in 6 minutes. How many bottles does it make in 25 minutes?", "350", "14 * 25"],
    ["A car travels at 72 km per hour. How far does it go in 2.5 hours?", "180", "72 * 2.5"],
    ["6 identical mugs cost $27. How much does one mug cost?", "4.50", "27 / 6"],
    ["5 metres of cloth cost $32. How much do 8 metres cost?", "51.20", "32 / 5 * 8"],
    ["A tap fills 12 litres in 4 minutes. How long does it take for 45 litres?", "15", "45 / 3"],
    ["A train covers 150 km in 2 hours. How far does it go in 40 minutes at that speed?", "50", "75 * 2/3"],
    ["Pia types 330 words in 6 minutes. How many minutes does she need for 1,210 words?", "22", "1210 / 55"],
    ["4 painters need 6 days for a house. How many days do 3 painters need?", "8", "24 / 3"],
    ["A recipe needs 250 g of rice for 4 people. How many g of rice are needed for 7 people?", "437.5", "250 / 4 * 7"],
    ["On a map 2 cm stand for 15 km. How many km are 7 cm?", "52.5", "7.5 * 7"],
    [
      "A cyclist rides 2 hours at 18 km/h and then 3 hours at 13 km/h. What is the average speed?",
      "15",
      "(36 + 39) / 5",
    ],
    ["A driver goes 1.5 hours at 80 km/h and 2 hours at 65 km/h. How far is that altogether?", "250", "120 + 130"],
    [
      "Two trains are 330 km apart and drive towards each other, one at 60 km/h, the other at 50 km/h. After how many hours do they meet?",
      "3",
      "330 / 110",
    ],
    [
      "One pump empties a pool in 6 hours, another one in 3 hours. How long do both take together?",
      "2",
      "1 / (1/6 + 1/3)",
    ],
    ["A printer prints 18 pages in 45 seconds. How many pages does it print in 5 minutes?", "120", "18 / 45 * 300"],
  ),
  ...topic(
    "averages",
    ["What is the average of 4, 8, 15 and 21?", "12", "48 / 4"],
    ["Find the mean of 12.5, 14 and 17.", "14.5", "43.5 / 3"],
    [
      "Eva scored 78, 85 and 92 on three tests. What must she score on the fourth test for an average of 88?",
      "97",
      "352 - 255",
    ],
    ["The average of 5 numbers is 12.4. What is their sum?", "62", "5 * 12.4"],
    [
      "The mean of 6 numbers is 14. One of the numbers, 24, is removed. What is the mean of the others?",
      "12",
      "60 / 5",
    ],
    [
      "12 boys have an average height of 150 cm and 8 girls have an average height of 140 cm. What is the average height of all of them?",
      "146",
      "(1800 + 1120) / 20",
    ],
    ["What is the range of 17, 4, 29, 11 and 23?", "25", "29 - 4"],
    ["What is the median of 9, 3, 14, 7 and 12?", "9", "9"],
    ["The average age of 4 players is 21. A new player aged 26 joins. What is the new average age?", "22", "110 / 5"],
    ["Temperatures of 18.5, 21, 19 and 22.5 degrees were measured. What was the average?", "20.25", "81 / 4"],
  ),
  ...topic(
    "geometry",
    ["A rectangular garden is 12 m by 7.5 m. What is its area?", "90", "12 * 7.5"],
    ["A rectangular garden is 12 m by 7.5 m. What does a fence around it cost at $8 a metre?", "312", "2 * 19.5 * 8"],
    ["What is the perimeter of a rectangle 9 cm by 4.5 cm?", "27", "2 * 13.5"],
    ["A square has a perimeter of 36 cm. What is its area?", "81", "9 * 9"],
    ["A triangle has a base of 14 cm and a height of 9 cm. What is its area?", "63", "14 * 9 / 2"],
    [
      "A rectangle has an area of 84 square cm, and one side is 7 cm long. What is its perimeter?",
      "38",
      "2 * (7 + 12)",
    ],
    ["A box is 5 cm by 4 cm by 12 cm. What is its volume?", "240", "5 * 4 * 12"],
    ["A floor is 6 m by 4.5 m. It is covered with square tiles of 50 cm. How many tiles are needed?", "108", "12 * 9"],
    ["A lawn is 10 m by 6 m. A path 1 m wide runs around it. What is the area of the path?", "36", "12 * 8 - 60"],
    ["A circle has a radius of 10 cm. Take 3.14 for pi. What is its area?", "314", "3.14 * 100"],
    [
      "The short sides of a right triangle are 9 cm and 12 cm. How long is the hypotenuse, its longest side?",
      "15",
      "sqrt(81 + 144)",
    ],
    ["Two angles of a triangle measure 48 and 67 degrees. How large is the third?", "65", "180 - 48 - 67"],
    ["A cube has edges of 6 cm. How large is its surface?", "216", "6 * 36"],
    ["A field is 80 m by 45 m. Jo runs round it 6 times. How many metres is that?", "1500", "2 * 125 * 6"],
    ["A trapezium has parallel sides of 8 cm and 13 cm and a height of 6 cm. What is its area?", "63", "21 * 6 / 2"],
  ),
  ...topic(
    "equations",
    ["Solve 3x + 7 = 22 for x.", "5", "(22 - 7) / 3"],
    ["Solve 5(x - 2) = 3x + 8.", "9", "18 / 2"],
    ["If 2n/3 + 4 = 10, what is n?", "9", "6 * 3/2"],
    ["Solve 4x - 9 = 6 for x.", "3.75", "15 / 4"],
    ["Solve 7 - 2x = x - 5.", "4", "12 / 3"],
    ["Three times a number minus 8 is 25. What is the number?", "11", "33 / 3"],
    ["Twice a number, increased by 5, is 19. What is the number?", "7", "14 / 2"],
    ["I think of a number, multiply it by 4 and add 9. I get 41. What is my number?", "8", "32 / 4"],
    ["I think of a number, subtract 3, divide by 5 and then add 12. I get 20. What is my number?", "43", "8 * 5 + 3"],
    ["Solve 6(x + 1) - 2x = 30.", "6", "24 / 4"],
    ["Solve 0.5x + 1.2 = 4.7 for x.", "7", "3.5 / 0.5"],
  ),
  ...topic(
    "sharing",
    ["Share $60 between Ann and Bo in the ratio 2 : 3. How much does Bo get?", "36", "60 / 5 * 3"],
    ["A rope of 84 cm is cut in the ratio 3 : 4. How long is the longer piece?", "48", "12 * 4"],
    ["The ratio of cats to dogs is 3 : 4. There are 12 cats. How many dogs are there?", "16", "12 / 3 * 4"],
    [
      "In a choir the ratio of boys to girls is 2 to 5. There are 35 girls. How many children are there in all?",
      "49",
      "7 * 7",
    ],
    ["The sum of two numbers is 40 and their difference is 8. What is the larger number?", "24", "48 / 2"],
    ["Max is 6 years older than Nina. Together they are 31 years old. How old is Nina?", "12.5", "(31 - 6) / 2"],
    [
      "Lou has three times as many shells as Finn. Together they have 52 shells. How many shells does Lou have?",
      "39",
      "52 / 4 * 3",
    ],
    ["Pam has 18 cards. Quin has twice as many cards as Pam. How many cards do they have altogether?", "54", "18 + 36"],
    ["Split 90 kg of sand among Uma, Vic and Wes in the ratio 2:3:5. How much does Vic get?", "27", "90 / 10 * 3"],
    ["Gus has $15 more than Hal. In all they have $83. How much does Gus have?", "49", "(83 + 15) / 2"],
  ),
  ...topic(
    "units",
    ["Convert 4.5 km to metres.", "4500", "4.5 * 1000"],
    ["How many minutes are 3 hours and 25 minutes?", "205", "180 + 25"],
    ["How many kg are 2,350 g?", "2.35", "2350 / 1000"],
    ["Convert 2 days and 5 hours to hours.", "53", "48 + 5"],
    ["How many minutes is it from 9:40 to 11:15?", "95", "675 - 580"],
    ["A film starts at 18:25 and ends at 20:10. How many minutes long is it?", "105", "1210 - 1105"],
  ),
  ...topic(
    "counting",
    ["Each box holds 12 eggs. How many boxes are needed for 100 eggs?", "9", "ceil(100 / 12)"],
    ["A bus seats 52 people. How many buses are needed for 320 people?", "7", "ceil(320 / 52)"],
    ["250 candles are packed in boxes of 16. How many candles are left over?", "10", "250 - 15 * 16"],
    [
      "One bus leaves every 12 minutes and another every 18 minutes. They leave together now. After how many minutes do they leave together again?",
      "36",
      "lcm(12, 18)",
    ],
    ["What is the greatest common divisor of 84 and 126?", "42", "gcd(84, 126)"],
    ["A sequence starts 5, 8, 11. What is its 20th term?", "62", "5 + 19 * 3"],
    ["What is the sum of all whole numbers from 1 to 60?", "1830", "60 * 61 / 2"],
    ["Three consecutive numbers add up to 72. What is the largest?", "25", "72 / 3 + 1"],
    [
      "In a hall the first row has 14 seats and each row has 2 more than the one before it. How many seats are in the 15th row?",
      "42",
      "14 + 14 * 2",
    ],
    // Nothing in the planner knows these two: an honest example has answers that are wrong.
    [
      "Eight people meet and everyone shakes hands with everyone else once. How many handshakes are there?",
      "28",
      "8 * 7 / 2",
    ],
    ["In how many different orders can the letters of the word MATHS be written?", "120", "5 * 4 * 3 * 2"],
  ),
];
