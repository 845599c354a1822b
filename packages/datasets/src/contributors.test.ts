import { ConfigError } from "@whetstone/core";
import { expect, it } from "vitest";
import { checkedCaps, contributors } from "./contributors.js";

it("lets a user in until the cap is reached, and somebody without a name always", () => {
  const caps = contributors({ maxPerUser: 2 });
  for (let i = 0; i < 2; i++) {
    expect(caps.fullOf(7, 1)).toBeNull();
    caps.count(7, 1);
  }
  expect(caps.fullOf(7, 2)).toBe("overUserCap");
  expect(caps.fullOf(8, 1)).toBeNull();
  for (let i = 0; i < 9; i++) caps.count(0, 0);
  expect(caps.fullOf(0, 0)).toBeNull();
});

it("counts sessions apart from users, and many of them", () => {
  const caps = contributors({ maxPerSession: 3 });
  for (let round = 0; round < 3; round++) {
    for (let session = 1; session <= 20_000; session++) {
      if (caps.fullOf(1, session * 0x10000) === null) caps.count(1, session * 0x10000);
    }
  }
  for (let session = 1; session <= 20_000; session++) {
    if (caps.fullOf(1, session * 0x10000) !== "overSessionCap") throw new Error(`session ${session} is not full`);
  }
  expect(caps.fullOf(1, 3)).toBeNull();
});

it("has caps unless told otherwise, and names the one that is wrong", () => {
  expect(checkedCaps({})).toEqual({ maxPerUser: 1000, maxPerSession: 100 });
  expect(checkedCaps({ maxPerUser: Infinity, maxPerSession: 1 })).toEqual({ maxPerUser: Infinity, maxPerSession: 1 });
  expect(() => checkedCaps({ maxPerUser: 0 })).toThrow(ConfigError);
  expect(() => checkedCaps({ maxPerSession: 1.5 })).toThrow(/maxPerSession is 1.5/);
});
