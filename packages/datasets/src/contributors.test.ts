import { expect, it } from "vitest";
import { contributors } from "./contributors.js";

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

it("names the five who stand in most rows, the first one first", () => {
  const caps = contributors({});
  for (let i = 0; i < 3000; i++) {
    const user = i % 2 === 0 ? 1 : i % 3 === 0 ? 2 : 3 + (i % 97);
    caps.count(user, 0);
    caps.name(user, `user ${user}`);
  }
  caps.count(0, 0);
  caps.name(0, undefined);
  const top = caps.top();
  expect(top).toHaveLength(5);
  expect(top.slice(0, 2)).toEqual([
    { userId: "user 1", interactions: 1500 },
    { userId: "user 2", interactions: 500 },
  ]);
  caps.count(1, 0, -1);
  expect(caps.top()[0]).toEqual({ userId: "user 1", interactions: 1499 });
});
