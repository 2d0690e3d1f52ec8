// Every word that a person reads, in one place. A sentence that needs a value is a function.

export const text = {
  product: 'Video visit',

  verifyHeading: 'Check in for your visit',
  verifyLead: 'Please tell us who is joining.',
  whoLegend: 'Who is joining?',
  whoPatient: 'I am the patient',
  whoOther: 'I am someone else',
  otherName: 'Your name',
  otherRelationship: 'Relationship to the patient',
  otherRelationshipHint: 'For example mother, husband, interpreter',
  birthLegend: 'Date of birth',
  birthLegendHint: 'The patient’s date of birth, for example 4 27 1985',
  month: 'Month',
  day: 'Day',
  year: 'Year',
  termsRead: 'Read them here',
  termsAccept: 'I accept the terms of this service',
  verify: 'Verify',
  verifying: 'Checking…',

  devicesHeading: 'Camera and microphone',
  devicesLead: 'Your browser will ask whether this page may use them. Please choose “Allow”.',
  devicesReady: 'Can you see yourself? Say something and watch the bar move.',
  providerTerms: 'By continuing you accept the terms of this service.',
  requestPermissions: 'Request permissions',
  requesting: 'Asking your browser…',
  previewOff: 'No camera',
  meter: 'Your voice',
  camera: 'Camera',
  microphone: 'Microphone',
  speaker: 'Speaker',
  speakerTest: 'Play a test sound',
  join: 'Join',
  joining: 'Joining…',
  withoutCamera: 'Continue without camera',
  withoutBoth: 'Continue without camera and microphone',
  tryAgain: 'Try again',
  deviceName: (kind, number) => `${kind} ${number}`,

  waitingHeading: 'Waiting for the provider',
  waitingAway: 'You are checked in. The provider will let you in. Please keep this page open.',
  waitingHere: 'The provider is here and will let you in soon. Please keep this page open.',
  roomFull: 'The room is full. As soon as someone leaves, the provider can let you in. Please keep this page open.',
  leave: 'Leave',

  visitHeading: 'Visit',
  mute: 'Mute',
  unmute: 'Unmute',
  cameraOff: 'Turn camera off',
  cameraOn: 'Turn camera on',
  share: 'Share screen',
  stopSharing: 'Stop sharing',
  sharing: 'You are sharing your screen',
  soundBlocked: 'Your browser is holding back the sound.',
  soundOn: 'Turn sound on',
  controls: 'Your controls',
  people: 'People in this visit',

  you: 'You',
  ownTile: (name, role) => `${name}, ${role}, you`,
  tile: (name, role) => `${name}, ${role}`,
  screenTile: (name) => `Screen of ${name}`,
  tileMuted: 'Muted',
  tileCameraOff: 'Camera off',
  tileConnecting: 'Connecting…',
  tileReconnecting: 'Reconnecting…',
  roles: {
    provider: 'Provider',
    patient: 'Patient',
    guest: 'Guest',
    interpreter: 'Interpreter',
    captioner: 'Captioner',
    staff: 'Staff',
  },

  hostHeading: 'Waiting room',
  hostNobody: 'Nobody is waiting.',
  hostFull: 'All four seats are taken. Someone must leave before you can admit another person.',
  admit: 'Admit',
  admitAll: 'Admit all',
  gettingReady: 'Getting ready',
  justNow: 'Just arrived',
  waitingMinutes: (minutes) => `Waiting ${minutes} min`,
  endVisit: 'End visit',
  endHeading: 'End the visit for everyone?',
  endLead: 'Everyone is disconnected. If you only want to step out, choose “Leave” instead.',
  endConfirm: 'End visit for everyone',
  endCancel: 'Go back',

  leftHeading: 'You left the visit',
  leftLead: 'You can come back as long as the visit is open.',
  awayLead: 'The connection was lost for too long. You can come back as long as the visit is open.',
  rejoin: 'Rejoin',
  endedHeading: 'The visit has ended',
  endedLead: 'Thank you. You can close this page.',

  problemHeading: 'Something went wrong',
  problemLead: 'Please load this page again. If that does not help, open the link from your invitation once more.',
  linkHeading: 'Please use your link',
  linkLead: 'Open the link from your invitation again, or copy the whole of it into the address bar.',
  replacedHeading: 'This page is no longer connected',
  replacedLead: 'Your visit may be open on another device or in another window, or your time here has ended. To come back here, open your link again.',
  unsupportedHeading: 'This browser cannot join',
  unsupportedLead: 'Please open your link in a current version of Chrome, Safari, Edge or Firefox.',
  reload: 'Load again',

  offline: 'The connection to the server is lost. Trying again…',
  reconnecting: 'Reconnecting…',
  joined: (name) => `${name} joined`,
  wentAway: (name) => `${name} left`,
  nowWaiting: (name) => `${name} is waiting`,

  helpLead: (name) => (name ? `Need help? ${name}:` : 'Need help?'),
  helpTty: (tty) => `TTY ${tty}`,

  errors: {
    month: 'Enter the month as a number from 1 to 12.',
    day: 'Enter the day as a number from 1 to 31.',
    year: 'Enter the year with four digits.',
    date: 'This date does not exist. Please check month, day and year.',
    future: 'This date is in the future. Please check the year.',
    name: 'Enter your name.',
    relationship: 'Enter how you know the patient.',
    terms: 'Please accept the terms to go on.',
    termsMissing: 'The terms could not be loaded. Please try again.',
    termsChanged: 'The terms are new. Please read and accept them.',
    verificationFailed: 'We could not verify you. Please check the date of birth, and that this is the newest link you were sent.',
    verificationFailedProvider: 'This link could not be opened. Please check that it is the newest link you were sent.',
    tooEarly: (opens) => `It is too early. You can join from ${opens}.`,
    tooMany: 'Too many tries. Please wait a few minutes, then try again.',
    network: 'The server cannot be reached. Please check your internet connection and try again.',
    unexpected: 'That did not work. Please try again.',
    noMedia: 'The server cannot carry sound and picture right now. Trying again…',
    offerRejected: 'This browser and the server could not agree on how to send sound and picture. Please try a current version of Chrome.',
    roomFullAdmit: 'There is no free seat. Someone must leave first.',
    denied: 'The browser did not allow the camera and microphone. Choose the camera or lock symbol beside the address, allow both, then try again.',
    deniedMicrophone: 'The browser did not allow the microphone. Choose the microphone or lock symbol beside the address, allow it, then try again.',
    missing: 'No camera or no microphone was found. Check that they are plugged in and switched on, then try again.',
    missingMicrophone: 'No microphone was found. Check that it is plugged in and switched on, then try again.',
    busy: 'The camera or microphone is used by another program. Close that program, then try again.',
    insecure: 'This page was not opened over a secure connection, so the browser keeps the camera and microphone closed. Please open your link again.',
    device: 'The camera or microphone could not be started. Please try again.',
    share: 'The screen could not be shared.',
    shareTaken: 'Someone else is sharing their screen. Ask them to stop, then share yours.',
    microphoneLost: 'Your microphone was disconnected. Others cannot hear you.',
    cameraLost: 'Your camera was disconnected. Others cannot see you.',
  },
};

/** Fills every element that names its text with `data-text`. */
export function fillTexts(root) {
  for (const place of root.querySelectorAll('[data-text]')) {
    place.textContent = text[place.dataset.text];
  }
}

/** The word for a role, as people read it. */
export function roleName(role) {
  return text.roles[role] ?? text.roles.guest;
}

/** A moment as the reader's own clock and calendar show it; the day only where it is not today. */
export function moment(iso) {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  const parts = today ? { timeStyle: 'short' } : { dateStyle: 'full', timeStyle: 'short' };
  return new Intl.DateTimeFormat(undefined, parts).format(at);
}
