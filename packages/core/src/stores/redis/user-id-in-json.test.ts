import { expect, it } from "vitest";
import { interaction } from "../../testing/interaction.js";
import { withUserId } from "./user-id-in-json.js";

const json = (record: object) => Buffer.from(JSON.stringify(record));

it("gives what serialising the changed record gives", () => {
  const record = interaction({ userId: 'Jürgen "the 1st" \\ \ud800', query: "who is userId?", answer: "é€😀" });
  expect(withUserId(json(record), record.userId as string, "u:1")).toEqual(json({ ...record, userId: "u:1" }));
});

it("does not guess where a text or somebody's metadata looks like the field", () => {
  const record = interaction({ userId: "ann" });
  for (const metadata of [{ userId: "ann" }, { userId: 1 }, { 'say "userId': "ann" }, { tag: "userId" }]) {
    expect(withUserId(json({ metadata, ...record }), "ann", "u:1")).toBeNull();
    expect(withUserId(json({ ...record, metadata }), "ann", "u:1")).toBeNull();
  }
  expect(withUserId(Buffer.from('{"userId" : "ann"}'), "ann", "u:1")).toBeNull();
  expect(withUserId(json(interaction({})), "ann", "u:1")).toBeNull();
});

it("leaves alone what only begins like the id", () => {
  expect(withUserId(json({ userId: "anna" }), "ann", "u:1")).toBeNull();
  expect(withUserId(json({ query: '"userId":"ann"', userId: "ann" }), "ann", "u:1")).toEqual(
    json({ query: '"userId":"ann"', userId: "u:1" }),
  );
});
