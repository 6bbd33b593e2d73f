// A user of services: one request on one association, and what came back as JSON lines on standard output.
//
//     node client.mjs '{"service": "echo", "port": 11112, ...}'
//
// Exit status 0: the association was released; 1: rejected, aborted, or no connection, with the reason in the last line.

import fs from 'node:fs';
import dcmjsDimse from 'dcmjs-dimse';

const { Client, Dataset, log } = dcmjsDimse;
const { CEchoRequest, CFindRequest, CGetRequest, CMoveRequest, CStoreRequest } = dcmjsDimse.requests;
const { NActionRequest, NCreateRequest, NSetRequest } = dcmjsDimse.requests;
const { CStoreResponse, NEventReportResponse } = dcmjsDimse.responses;
const { SopClass, Status, StorageClass, TransferSyntax, UserIdentityType } = dcmjsDimse.constants;

log.setLevel('silent');
const asked = JSON.parse(process.argv[2]);
const say = (what, value = {}) => console.log(JSON.stringify({ what, ...value }));

const COMMITMENT_INSTANCE = '1.2.840.10008.1.20.1.1';

function makeRequests() {
  switch (asked.service) {
    case 'echo':
      return [new CEchoRequest()];
    case 'store':
      return asked.paths.map((path) => new CStoreRequest(path));
    case 'find':
      return [CFindRequest.createSeriesFindRequest(asked.keys)];
    case 'move':
      return [CMoveRequest.createStudyMoveRequest(asked.destination, asked.study)];
    case 'get':
      return [CGetRequest.createStudyGetRequest(asked.study)];
    case 'commit':
      return [withDataset(new NActionRequest(SopClass.StorageCommitmentPushModel, COMMITMENT_INSTANCE, 1))];
    case 'create':
      return [withDataset(new NCreateRequest(SopClass.ModalityPerformedProcedureStep, asked.instance))];
    case 'set':
      return [withDataset(new NSetRequest(SopClass.ModalityPerformedProcedureStep, asked.instance))];
    default:
      throw new Error(`no service ${asked.service}`);
  }
}

function withDataset(request) {
  request.setDataset(new Dataset(asked.elements, TransferSyntax.ExplicitVRLittleEndian));
  return request;
}

function secure() {
  if (!asked.tls) {
    return {};
  }
  const { key, certificate, ca } = asked.tls;
  const [keyText, cert, anchors] = [key, certificate, ca].map((path) => fs.readFileSync(path));
  return { securityOptions: { key: keyText, cert, ca: anchors, rejectUnauthorized: true, minVersion: 'TLSv1.2' } };
}

function identify() {
  if (!asked.user) {
    return {};
  }
  const type = UserIdentityType.UsernameAndPasscode;
  const [primaryField, secondaryField] = asked.user;
  return { userIdentity: { type, positiveResponseRequested: true, primaryField, secondaryField } };
}

const client = new Client();
for (const request of makeRequests()) {
  request.on('response', (response) => {
    const counts = response.getCompleted
      ? {
          remaining: response.getRemaining(),
          completed: response.getCompleted(),
          failures: response.getFailures(),
          warnings: response.getWarnings(),
        }
      : {};
    const elements = response.hasDataset() ? response.getDataset().getElements() : null;
    say('response', { status: response.getStatus(), elements, ...counts });
  });
  client.addRequest(request);
}
client.on('cStoreRequest', (request, callback) => {
  const name = `${asked.folder}/${request.getAffectedSopInstanceUid()}.dcm`;
  request.getDataset().toFile(name);
  say('stored', { instance: request.getAffectedSopInstanceUid() });
  const response = CStoreResponse.fromRequest(request);
  response.setStatus(Status.Success);
  callback(response);
});
client.on('nEventReportRequest', (request, callback) => {
  say('event', { type: request.getEventTypeId(), elements: request.getDataset().getElements() });
  const response = NEventReportResponse.fromRequest(request);
  response.setStatus(Status.Success);
  callback(response);
});
client.on('associationAccepted', (association) => {
  say('accepted', { identity: association.getNegotiateUserIdentityServerResponse() });
});
let failed = false;
for (const [event, tell] of Object.entries({
  associationRejected: ({ result, source, reason }) => ({ result, source, reason }),
  aborted: () => ({}),
  networkError: (error) => ({ error: error.message }),
})) {
  client.on(event, (value) => {
    failed = true;
    say(event, tell(value ?? {}));
  });
}
client.on('closed', () => {
  process.exit(failed ? 1 : 0);
});
client.send(asked.host ?? '127.0.0.1', asked.port, asked.calling ?? 'DCMJS', asked.called ?? 'CORONODE', {
  associationLingerTimeout: asked.linger ?? 0,
  ...secure(),
  ...identify(),
});
