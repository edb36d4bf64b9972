import assert from "node:assert/strict";
import { test } from "node:test";

import { connectedRegion, fillOutline, floodFill } from "../../src/maskgan/server/page/mask/fill.js";
import { locking, maskOf, plain, rowsOf } from "./masks.js";

test("fill spreads by sides and not by corners", () => {
  const mask = maskOf("a.a", ".a.", "a.a");
  const box = floodFill(mask, { x: 1.5, y: 1.5 }, 2, locking());
  assert.deepEqual(rowsOf(mask), ["a.a", ".b.", "a.a"]);
  assert.deepEqual(box, { left: 1, top: 1, right: 2, bottom: 2 });
});

test("fill follows a winding region to its end", () => {
  const mask = maskOf("aaaa.", "...a.", ".aaa.", ".a...", ".aaaa");
  floodFill(mask, { x: 0, y: 0 }, 3, locking());
  assert.deepEqual(rowsOf(mask), ["cccc.", "...c.", ".ccc.", ".c...", ".cccc"]);
});

test("fill leaves a locked class, its own class and the outside alone", () => {
  const mask = plain(3, 3, 1);
  assert.equal(floodFill(mask, { x: 1, y: 1 }, 2, locking(1)), null);
  assert.equal(floodFill(mask, { x: 1, y: 1 }, 1, locking()), null);
  assert.equal(floodFill(mask, { x: 9, y: 1 }, 2, locking()), null);
  assert.deepEqual(mask, plain(3, 3, 1));
});

test("a region of several classes hangs together through all of them", () => {
  const mask = maskOf("kkk.k", "jjj..", "lll..");
  const region = connectedRegion(mask, { x: 0, y: 0 }, [10, 11, 12]);
  assert.deepEqual(region?.box, { left: 0, top: 0, right: 3, bottom: 3 });
  assert.equal(
    region?.pixels.reduce((sum, flag) => sum + flag, 0),
    9,
  );
});

test("an outline's inside is filled", () => {
  const mask = plain(6, 5);
  fillOutline(mask, [{ x: 1, y: 1 }, { x: 5, y: 1 }, { x: 5, y: 4 }, { x: 1, y: 4 }], 1, locking());
  assert.deepEqual(rowsOf(mask), ["......", ".aaaa.", ".aaaa.", ".aaaa.", "......"]);
});

test("a dented outline leaves its dent free, and locks hold", () => {
  const mask = maskOf("......", "..b...", "......", "......");
  const outline = [{ x: 0, y: 0 }, { x: 6, y: 0 }, { x: 6, y: 4 }, { x: 4, y: 4 }, { x: 4, y: 2 }, { x: 2, y: 2 }];
  fillOutline(mask, [...outline, { x: 2, y: 4 }, { x: 0, y: 4 }], 1, locking(2));
  assert.deepEqual(rowsOf(mask), ["aaaaaa", "aabaaa", "aa..aa", "aa..aa"]);
});

test("an outline that reaches beyond the mask is cut off at its border", () => {
  const mask = plain(3, 2);
  fillOutline(mask, [{ x: -9, y: -9 }, { x: 9, y: -9 }, { x: 9, y: 9 }, { x: -9, y: 9 }], 4, locking());
  assert.deepEqual(mask, plain(3, 2, 4));
  assert.equal(fillOutline(mask, [{ x: 0, y: 0 }, { x: 2, y: 2 }], 5, locking()), null);
});
