import assert from "node:assert/strict";
import { test } from "node:test";

import { EngineError } from "../../src/maskgan/server/page/engine/arrays.js";
import { encodeEdited } from "../../src/maskgan/server/page/engine/files/edited-file.js";
import { qualityTables, writeJpeg } from "../../src/maskgan/server/page/engine/files/jpeg.js";
import { readMetadata } from "../../src/maskgan/server/page/engine/files/metadata.js";
import { readPixels, writeMask, writePicture } from "../../src/maskgan/server/page/engine/files/png.js";
import { DIGITAL_SOURCE_TYPE, markedPacket } from "../../src/maskgan/server/page/engine/files/provenance.js";
import { readZip, writeZip } from "../../src/maskgan/server/page/engine/files/zip.js";
import { maskOfArray, maximumDifference, pictureOf, python, shareBeyond } from "./reference.js";

const COMMON = `
from io import BytesIO
import warnings
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from maskgan.assets import portrait
from maskgan.images import encode_label_map, read_label_map, read_picture, decode_source, resize_picture
from maskgan.images.metadata import photoshop_segment
`;
const MAKE = `${COMMON}
picture = np.ascontiguousarray(resize_picture(read_picture(portrait(4)[0]), (203, 171)))
mask = read_label_map(portrait(4)[1])
results["picture"], results["mask"] = picture, mask
results["labels"] = encode_label_map(mask)
XMP = ('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" tiff:Make="ä"/>'
    "</rdf:RDF></x:xmpmeta>")
IPTC = bytes.fromhex("1c0278") + b"\\x00\\x05hello"
exif = Image.Exif()
exif[0x0112], exif[0x010F] = 6, "Maker"
exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003] = 171, 203
image = Image.fromarray(picture)
for name, options in {"half": {"subsampling": 2, "quality": 80}, "across": {"subsampling": 1, "quality": 92, "progressive": True}}.items():
    buffer = BytesIO()
    segment = photoshop_segment(IPTC)
    extra = b"\\xff\\xed" + (len(segment) + 2).to_bytes(2, "big") + segment
    image.save(buffer, "JPEG", exif=exif, xmp=XMP.encode(), comment=b"a comment", dpi=(300, 300), extra=extra, **options)
    results[name] = buffer.getvalue()
info = PngInfo()
info.add_text("Title", "A tïtle")
info.add_itxt("XML:com.adobe.xmp", XMP)
buffer = BytesIO()
image.save(buffer, "PNG", pnginfo=info, exif=exif, dpi=(150, 150))
results["png"] = buffer.getvalue()
for mode in ("1", "L", "P", "LA", "RGB", "RGBA", "I;16"):
    source = Image.fromarray(mask).convert(mode) if mode != "I;16" else Image.fromarray(mask.astype(np.uint16))
    if mode == "P":
        source = Image.fromarray(mask); source.putpalette([7, 8, 9] * 19)
    buffer = BytesIO()
    source.save(buffer, "PNG", **({"bits": 4} if mode == "none" else {}))
    results["mode" + mode] = buffer.getvalue()
    results["pixels" + mode] = np.asarray(source if mode != "I;16" else Image.fromarray(mask)).reshape(-1).astype(np.uint8)
from maskgan.provenance import _marked
results["marked"], results["xmp"] = _marked(XMP), XMP
`;
const made = python(MAKE);
const picture = pictureOf(made.picture);
const edited = { ...picture, data: picture.data.map((value, i) => (i % 5 ? value : 255 - value)) };

/** What Python reads of files: pixels, and metadata as text. */
const READ = `${COMMON}
warnings.simplefilter("error")
from dataclasses import asdict
for name, data in list(globals().items()):
    if name.startswith("file"):
        source = decode_source(BytesIO(data.tobytes()), name)
        results[name] = source.picture
        values = asdict(source.metadata)
        results[name + "Metadata"] = {
            "exif": values["exif"].hex(), "iptc": values["iptc"].hex(), "xmp": values["xmp"].decode(), "dpi": values["dpi"],
            "comment": values["comment"].decode(), "text": values["text"], "jpeg": values["jpeg"],
            "orientation": Image.open(BytesIO(data.tobytes())).getexif().get(0x0112),
        }
`;

/** @param {Record<string, Uint8Array>} files */
const readByPython = (files) =>
  python(READ, Object.fromEntries(Object.entries(files).map(([name, data]) => [name, { shape: [data.length], data }])));

/** @param {Blob} blob */
const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

/** @param {string} name */
const sourceOf = async (name) => ({ picture, metadata: await readMetadata(made[name].data), jpeg: null });

/** @param {Uint8Array} bytes */
const hex = (bytes) => Buffer.from(bytes).toString("hex");

test("PNG files of pictures and masks, as Pillow reads them", async () => {
  const palette = Array.from({ length: 19 }, (_, i) => [i, 2 * i, 255 - i]);
  const mask = await writeMask(maskOfArray(made.mask), palette);
  const code = `${READ}
from maskgan.images import decode_label_map
results["mask"] = np.asarray(Image.open(BytesIO(given.tobytes())))
results["palette"] = np.array(Image.open(BytesIO(given.tobytes())).getpalette()[:57], np.uint8)`;
  const file0 = await writePicture(picture);
  const read = python(code, {
    file0: { shape: [file0.length], data: file0 },
    given: { shape: [mask.length], data: mask },
  });
  assert.deepEqual(read.file0.data, made.picture.data);
  assert.deepEqual(read.mask.data, made.mask.data);
  assert.deepEqual([...read.palette.data], palette.flat());
});

test("PNG files that Pillow wrote in any mode", async () => {
  for (const mode of ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"]) {
    const { data } = await readPixels(made[`mode${mode}`].data, 1e6);
    assert.deepEqual(data, made[`pixels${mode}`].data, mode);
  }
  const labels = await readPixels(made.labels.data, 1e6);
  assert.deepEqual(labels.data, made.mask.data);
  assert.equal(labels.palette?.[3], 204);
  await assert.rejects(readPixels(made.labels.data, 1000), EngineError);
  await assert.rejects(readPixels(made.labels.data.slice(0, 3000), 1e6), EngineError);
  await assert.rejects(readPixels(made.half.data, 1e6), EngineError);
});

test("JPEG files hold the picture as well as Pillow's of the same coding", async () => {
  const [, across, half] = [0, 1, 2].map((subsampling) => writeJpeg(picture, { tables: qualityTables(90), subsampling }, []));
  const fine = writeJpeg(picture, { tables: qualityTables(95), subsampling: 0 }, []);
  const code = `${READ}
def encoded(**options):
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", **options)
    return np.asarray(Image.open(BytesIO(buffer.getvalue())))
results["fine"] = encoded(quality=95, subsampling=0)
results["half"], results["across"] = encoded(quality=90, subsampling=2), encoded(quality=90, subsampling=1)
results["tables"] = results["file0Metadata"]["jpeg"]["tables"]
buffer = BytesIO(); Image.fromarray(picture).save(buffer, "JPEG", quality=95)
results["pillow"] = [list(t) for t in Image.open(BytesIO(buffer.getvalue())).quantization.values()]`;
  const files = { file0: fine, file1: half, file2: across };
  const inputs = Object.fromEntries(Object.entries(files).map(([name, data]) => [name, { shape: [data.length], data }]));
  const read = python(code, { ...inputs, picture: made.picture });
  assert.deepEqual(read.tables, read.pillow);
  for (const [name, ours] of [["fine", "file0"], ["half", "file1"], ["across", "file2"]]) {
    assert.ok(shareBeyond(read[ours].data, read[name].data, 2) < 0.01, `${name}: ${shareBeyond(read[ours].data, read[name].data, 2)}`);
  }
});

test("an edited photograph keeps its metadata, its quality, and gets the mark", async () => {
  /** @type {Record<string, Uint8Array>} */
  const files = { file0: made.half.data, file1: made.png.data, file2: made.across.data };
  for (const name of ["half", "across", "png"]) {
    const source = await sourceOf(name);
    files[`file_${name}_jpeg`] = await bytesOf(await encodeEdited(edited, "jpeg", source, "1.2"));
    files[`file_${name}_png`] = await bytesOf(await encodeEdited(edited, "png", source, "1.2"));
  }
  const read = readByPython(files);
  for (const [name, original] of [["half", read.file0Metadata], ["across", read.file2Metadata], ["png", read.file1Metadata]]) {
    for (const format of ["jpeg", "png"]) {
      const got = read[`file_${name}_${format}Metadata`];
      assert.equal(got.exif, original.exif, `${name} ${format}`);
      assert.equal(got.orientation, 1);
      assert.equal(got.iptc, original.iptc);
      assert.ok(maximumDifference(got.dpi, original.dpi) < 0.6);
      assert.equal(got.xmp, made.marked.replace('Orientation="6"', 'Orientation="1"'));
      assert.ok(got.xmp.includes(DIGITAL_SOURCE_TYPE));
    }
    assert.equal(read[`file_${name}_jpegMetadata`].comment, original.comment);
    assert.deepEqual(read[`file_${name}_png`].data, new Uint8Array(edited.data));
    if (original.jpeg) {
      const { tables, subsampling } = read[`file_${name}_jpegMetadata`].jpeg;
      assert.deepEqual({ tables, subsampling }, { tables: original.jpeg.tables, subsampling: original.jpeg.subsampling });
    }
  }
  assert.deepEqual(read.file_png_pngMetadata.text, { Title: "A tïtle" });
});

test("metadata are read as in Python", async () => {
  const read = readByPython({ fileHalf: made.half.data, filePng: made.png.data });
  for (const [name, original] of [["half", read.fileHalfMetadata], ["png", read.filePngMetadata]]) {
    const { exif, iptc, xmp, comment } = await readMetadata(made[name].data);
    assert.equal(hex(exif), original.exif);
    assert.equal(hex(iptc), original.iptc);
    assert.equal(xmp, original.xmp);
    assert.equal(Buffer.from(comment).toString(), original.comment);
  }
});

test("an unedited JPEG is its own file with the mark", async () => {
  const source = { ...(await sourceOf("half")), jpeg: made.half.data };
  const file = await bytesOf(await encodeEdited(picture, "jpeg", source, "1.2"));
  const read = readByPython({ fileOld: made.half.data, fileNew: file });
  assert.deepEqual(read.fileNew.data, read.fileOld.data);
  assert.ok(read.fileNewMetadata.xmp.includes(DIGITAL_SOURCE_TYPE));
  assert.equal(read.fileNewMetadata.comment, "a comment");
});

test("a packet that is not well formed is replaced", () => {
  for (const damaged of [made.xmp.replace("</rdf:RDF>", ""), "<a>", made.xmp.replace("<rdf:RDF", "<!DOCTYPE x><rdf:RDF")]) {
    const packet = markedPacket(damaged, "1.2");
    assert.ok(packet.includes('xmp:CreatorTool="MaskGAN 1.2"') && packet.includes(DIGITAL_SOURCE_TYPE));
  }
});

test("zip files", async () => {
  const text = new TextEncoder().encode("abc".repeat(1000));
  const blob = await writeZip([
    { name: "stored.bin", bytes: made.png.data },
    { name: "text.json", bytes: text, deflate: true },
  ]);
  const bytes = await bytesOf(blob);
  assert.ok(bytes.length < made.png.data.length + 600);
  const parts = await readZip(bytes, 1e7);
  assert.deepEqual([...parts.keys()], ["stored.bin", "text.json"]);
  assert.deepEqual(parts.get("text.json"), text);
  const code = `
import zipfile
from io import BytesIO
with zipfile.ZipFile(BytesIO(data.tobytes())) as archive:
    results["bad"], results["names"], results["text"] = archive.testzip(), archive.namelist(), archive.read("text.json").decode()`;
  const read = python(code, { data: { shape: [bytes.length], data: bytes } });
  assert.deepEqual([read.bad, read.names, read.text], [null, ["stored.bin", "text.json"], "abc".repeat(1000)]);
  await assert.rejects(readZip(bytes, 1000), /too large/);
  await assert.rejects(readZip(bytes.slice(5), 1e7), EngineError);
  bytes[60] ^= 1;
  await assert.rejects(readZip(bytes, 1e7), EngineError);
});
