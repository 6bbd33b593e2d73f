// A small PACS: stores, finds, sends by C-GET and C-MOVE, and commits. What comes is told as JSON lines.
//
//     node server.mjs '{"port": 11113, "folder": "/tmp/pacs", "peers": {"CORONODE": 11112}}'
//
// Its first line is {"what": "listening"}. It ends when its standard input ends.

import fs from 'node:fs';
import dcmjsDimse from 'dcmjs-dimse';

const { Client, Dataset, Scp, Server, log } = dcmjsDimse;
const { CStoreRequest, NEventReportRequest } = dcmjsDimse.requests;
const { CEchoResponse, CFindResponse, CGetResponse, CMoveResponse } = dcmjsDimse.responses;
const { CStoreResponse, NActionResponse } = dcmjsDimse.responses;
const { PresentationContextResult, SopClass, Status, TransferSyntax } = dcmjsDimse.constants;

log.setLevel('silent');
const settings = JSON.parse(process.argv[2]);
const say = (what, value = {}) => console.log(JSON.stringify({ what, ...value }));
const stored = new Map();

function keep(path) {
  const elements = Dataset.fromFile(path).getElements();
  stored.set(elements.SOPInstanceUID, { path, elements });
}

function select(identifier) {
  const keys = ['PatientID', 'StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID', 'Modality', 'AccessionNumber'];
  const matches = (elements) =>
    keys.every((key) => !identifier[key] || [].concat(identifier[key]).includes(elements[key]));
  return [...stored.values()].filter(({ elements }) => matches(elements));
}

function answerFind(identifier) {
  const level = identifier.QueryRetrieveLevel;
  const unique = { STUDY: 'StudyInstanceUID', SERIES: 'SeriesInstanceUID', IMAGE: 'SOPInstanceUID' }[level];
  const groups = new Map();
  for (const { elements } of select(identifier)) {
    groups.set(elements[unique], [...(groups.get(elements[unique]) ?? []), elements]);
  }
  return [...groups.values()].map((members) => {
    const answer = { QueryRetrieveLevel: level };
    for (const key of Object.keys(identifier)) {
      if (key === 'NumberOfSeriesRelatedInstances') {
        answer[key] = `${members.length}`;
      } else if (key === 'ModalitiesInStudy') {
        answer[key] = [...new Set(members.map((member) => member.Modality))];
      } else if (!key.startsWith('_') && key !== 'QueryRetrieveLevel') {
        answer[key] = members[0][key] ?? '';
      }
    }
    return answer;
  });
}

function secure() {
  if (!settings.tls) {
    return {};
  }
  const { key, certificate, ca } = settings.tls;
  const [keyText, cert, anchors] = [key, certificate, ca].map((path) => fs.readFileSync(path));
  const trust = { requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' };
  return { securityOptions: { key: keyText, cert, ca: anchors, ...trust } };
}

class Pacs extends Scp {
  associationRequested(association) {
    for (const { id } of association.getPresentationContexts()) {
      const context = association.getPresentationContext(id);
      const offered = context.getTransferSyntaxUids();
      const chosen = offered.find((uid) => uid === TransferSyntax.ExplicitVRLittleEndian) ?? offered[0];
      context.setResult(PresentationContextResult.Accept, chosen);
    }
    say('association', { calling: association.getCallingAeTitle().trim() });
    this.association = association;
    this.sendAssociationAccept();
  }

  associationReleaseRequested() {
    this.sendAssociationReleaseResponse();
  }

  cEchoRequest(request, callback) {
    callback(succeed(CEchoResponse.fromRequest(request)));
  }

  cStoreRequest(request, callback) {
    const path = `${settings.folder}/${request.getAffectedSopInstanceUid()}.dcm`;
    request.getDataset().toFile(path);
    keep(path);
    say('stored', { instance: request.getAffectedSopInstanceUid() });
    callback(succeed(CStoreResponse.fromRequest(request)));
  }

  cFindRequest(request, callback) {
    const pending = answerFind(request.getDataset().getElements()).map((answer) => {
      const response = CFindResponse.fromRequest(request);
      response.setDataset(new Dataset(answer));
      response.setStatus(Status.Pending);
      return response;
    });
    callback([...pending, succeed(CFindResponse.fromRequest(request))]);
  }

  cGetRequest(request, callback) {
    const chosen = select(request.getDataset().getElements());
    this.sendAll(chosen, (requests) => this.sendRequests(requests), (completed) => {
      callback([count(CGetResponse.fromRequest(request), chosen.length, completed)]);
    });
  }

  cMoveRequest(request, callback) {
    const identifier = request.getDataset().getElements();
    const destination = request.getCommandDataset().getElements().MoveDestination.trim();
    const chosen = select(identifier);
    const client = new Client();
    this.sendAll(chosen, (requests) => {
      requests.forEach((item) => client.addRequest(item));
      client.send('127.0.0.1', settings.peers[destination], 'DCMJS', destination, secure());
    }, (completed) => {
      callback([count(CMoveResponse.fromRequest(request), chosen.length, completed)]);
    });
  }

  sendAll(chosen, send, done) {
    let answered = 0;
    let completed = 0;
    const requests = chosen.map(({ path }) => new CStoreRequest(path));
    for (const item of requests) {
      item.on('response', (response) => {
        answered += 1;
        completed += response.getStatus() === Status.Success ? 1 : 0;
        if (answered === chosen.length) {
          done(completed);
        }
      });
    }
    if (chosen.length === 0) {
      done(0);
    } else {
      send(requests);
    }
  }

  nActionRequest(request, callback) {
    const { TransactionUID, ReferencedSOPSequence } = request.getDataset().getElements();
    const references = [].concat(ReferencedSOPSequence);
    say('commitment', { transaction: TransactionUID, count: references.length });
    callback(succeed(NActionResponse.fromRequest(request)));
    const known = (item) => stored.has(item.ReferencedSOPInstanceUID);
    const missing = references.filter((item) => !known(item));
    const instance = request.getRequestedSopInstanceUid();
    const event = new NEventReportRequest(SopClass.StorageCommitmentPushModel, instance, missing.length ? 2 : 1);
    const elements = { TransactionUID, ReferencedSOPSequence: references.filter(known) };
    if (missing.length) {
      elements.FailedSOPSequence = missing.map((item) => ({ ...item, FailureReason: 0x0112 }));
    }
    event.setDataset(new Dataset(elements));
    event.on('response', (response) => say('reported', { status: response.getStatus() }));
    this.sendRequests(event);
  }
}

function succeed(response) {
  response.setStatus(Status.Success);
  return response;
}

function count(response, all, completed) {
  response.setCompleted(completed);
  response.setFailures(all - completed);
  response.setStatus(completed === all ? Status.Success : 0xb000);
  return response;
}

const server = new Server(Pacs);
server.on('networkError', (error) => say('error', { error: error.message }));
server.listen(settings.port, secure());
say('listening');
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
