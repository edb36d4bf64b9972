import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";

import { formOf } from "../../src/maskgan/server/page/engine/answers.js";
import { labelBody, packedFormBody } from "../../src/maskgan/server/page/remote/api.js";

const labels = new Uint8Array(512 * 512).fill(13, 1000, 90_000);

test("forms with label maps are sent compressed, and read as sent", async () => {
  const body = await packedFormBody({ mask: new Blob([labels]), move: '{"random": 1}' });
  const { byteLength } = /** @type {ArrayBuffer} */ (body.body);
  assert.ok(byteLength < 4000, `${byteLength} bytes of ${labels.length}`);
  const form = await formOf(new Request("http://localhost/", body));
  assert.equal(form.get("move"), '{"random": 1}');
  assert.deepEqual(new Uint8Array(await /** @type {Blob} */ (form.get("mask")).arrayBuffer()), labels);
});

test("plain forms are read too", async () => {
  const form = new FormData();
  form.append("mask", new Blob([labels]));
  const read = await formOf(new Request("http://localhost/", { method: "POST", body: form }));
  assert.equal(/** @type {Blob} */ (read.get("mask")).size, labels.length);
});

test("a label map alone is sent compressed", async () => {
  const { body } = await labelBody(labels);
  assert.deepEqual(new Uint8Array(gunzipSync(new Uint8Array(/** @type {ArrayBuffer} */ (body)))), labels);
});
