// Prints what dcmjs reads of a structured report (TID 1500) or a segmentation as JSON: node read.mjs FILE

import { readFileSync } from "node:fs";
import dcmjs from "dcmjs";

const { DicomMessage, DicomMetaDictionary, BitArray } = dcmjs.data;

const list = value => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const code = sequence => list(sequence)[0]?.CodeValue;

function walk(item, visit) {
    visit(item);
    list(item.ContentSequence).forEach(child => walk(child, visit));
}

function report(dataset) {
    const groups = {};
    walk(dataset, item => {
        if (code(item.ConceptNameCodeSequence) !== "125007") {
            return;
        }
        const group = { numbers: {}, codes: {}, images: [] };
        let tracking;
        for (const child of list(item.ContentSequence)) {
            const name = code(child.ConceptNameCodeSequence);
            if (child.ValueType === "NUM") {
                const value = list(child.MeasuredValueSequence)[0];
                group.numbers[name] = Number(list(value.FloatingPointValue)[0] ?? list(value.NumericValue)[0]);
            } else if (child.ValueType === "CODE") {
                group.codes[name] = code(child.ConceptCodeSequence);
            } else if (child.ValueType === "IMAGE") {
                group.images.push(list(child.ReferencedSOPSequence)[0].ReferencedSOPInstanceUID);
            } else if (name === "112039") {
                tracking = child.TextValue;
            }
        }
        groups[tracking] = group;
    });
    return { template: list(dataset.ContentTemplateSequence)[0]?.TemplateIdentifier, groups };
}

function segmentation(dataset) {
    const labels = list(dataset.SegmentSequence).map(segment => segment.SegmentLabel);
    const bits = BitArray.unpack(list(dataset.PixelData)[0]);
    const size = dataset.Rows * dataset.Columns;
    const frames = list(dataset.PerFrameFunctionalGroupsSequence).map((group, index) => {
        const segment = list(group.SegmentIdentificationSequence)[0].ReferencedSegmentNumber;
        const source = list(list(group.DerivationImageSequence)[0].SourceImageSequence)[0];
        const voxels = [];
        for (let place = 0; place < size; place += 1) {
            if (bits[index * size + place] !== 0) {
                voxels.push(place);
            }
        }
        return { label: labels[segment - 1], image: source.ReferencedSOPInstanceUID, voxels };
    });
    return { labels, frames };
}

const file = readFileSync(process.argv[2]);
const read = DicomMessage.readFile(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const dataset = DicomMetaDictionary.naturalizeDataset(read.dict);
const told = dataset.Modality === "SEG" ? segmentation(dataset) : report(dataset);
console.log(JSON.stringify({ patient: dataset.PatientName, ...told }));
