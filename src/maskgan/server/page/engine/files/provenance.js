/**
 * The mark of pictures that a generative model edited: IPTC's digital source type in an XMP packet, the field that picture
 * services and C2PA readers look at.
 */

import { utf8 } from "./bytes.js";

export const DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";
const NAMESPACE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
/** Bytes; a JPEG's segment holds no more. */
const MAX_PACKET = 60_000;

/**
 * The XMP packet of an edited picture: the photograph's own with the mark in it, or one with the mark alone.
 *
 * @param {string} own the photograph's packet; empty if it has none
 * @param {string} version of the program
 */
export function markedPacket(own, version) {
  const packet = own && marked(own.replace(/^[\0 \r\n\t]+|[\0 \r\n\t]+$/g, ""));
  // The pixels are upright now.
  if (packet && utf8(packet).length <= MAX_PACKET) return packet.replace(/(tiff:Orientation\s*(?:=\s*["']|>\s*))\d/, "$11");
  return `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="${NAMESPACE}"
    xmp:CreatorTool="MaskGAN ${version}"
    Iptc4xmpExt:DigitalSourceType="${DIGITAL_SOURCE_TYPE}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`;
}

/**
 * A packet with the mark in place of any other source type; null if it is not well formed.
 *
 * @param {string} own
 */
function marked(own) {
  const packet = own
    .replace(/\s[\w.-]+:DigitalSourceType\s*=\s*("[^"]*"|'[^']*')/g, "")
    .replace(/<([\w.-]+:DigitalSourceType)\b[^>]*(\/>|>[^<]*<\/\1>)/g, "");
  const opening = /<([\w.-]+):RDF\b[^>]*>/.exec(packet);
  if (!opening || opening[0].endsWith("/>") || packet.includes("<!DOCTYPE") || !isWellFormed(packet)) return null;
  const rdf = opening[1];
  const mark =
    `<${rdf}:Description ${rdf}:about="" xmlns:Iptc4xmpExt="${NAMESPACE}" ` +
    `Iptc4xmpExt:DigitalSourceType="${DIGITAL_SOURCE_TYPE}"/>`;
  const end = opening.index + opening[0].length;
  return packet.slice(0, end) + mark + packet.slice(end);
}

/**
 * Whether all elements are closed in order; workers have no XML parser.
 *
 * @param {string} packet
 */
function isWellFormed(packet) {
  /** @type {string[]} */
  const open = [];
  const rest = packet.replace(/<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>/g, "").replace(
    /<(\/?)([\w.:-]+)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/g,
    (_, closing, name, _attributes, empty) => {
      if (closing) return open.pop() === name ? "" : "<";
      if (!empty) open.push(name);
      return "";
    },
  );
  return !open.length && !rest.includes("<");
}
