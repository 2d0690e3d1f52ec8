// The person's own camera, microphone and screen.

/**
 * Browsers send three simulcast layers only from a picture of about 960×540 or more, so we ask for 1280×720
 * and take what there is.
 */
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

const KINDS = { videoinput: 'camera', audioinput: 'microphone', audiooutput: 'speaker' };

/** Why a device could not be opened, in the words of `text.errors`. */
export function reasonOf(error) {
  switch (error.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    case 'TypeError':
      return 'insecure';
    default:
      return 'device';
  }
}

/** Devices of `now` that were not there `before`: `[{ kind, device }]`, the usual ones' second names left out. */
export function newlyPlugged(before, now) {
  const known = new Set(before.map(({ kind, deviceId }) => `${kind} ${deviceId}`));
  return now
    .filter(({ kind, deviceId }) => !known.has(`${kind} ${deviceId}`) && !['', 'default', 'communications'].includes(deviceId))
    .map((device) => ({ kind: KINDS[device.kind], device }));
}

function chosen(constraints, device) {
  return device ? { ...constraints, deviceId: { exact: device } } : constraints;
}

/**
 * Holds the open devices, which ones were chosen, and what the person switched off.
 *
 * Events: `change`; `lost` (`{ kind, now }`: a device was unplugged; `now` names the one in its place, or is null);
 * `plugged` (`{ kind, device }`: a device that was not there before).
 */
export class Capture extends EventTarget {
  microphone = null;
  camera = null;
  /** The person's wish; a microphone may be there and muted. */
  microphoneOn = true;
  cameraOn = true;
  /** Came to listen: no microphone is asked for again until they ask for one. */
  listening = false;
  speakerId = '';
  #microphoneId = '';
  #cameraId = '';
  #facing = null;
  /** What was plugged in when last looked; nothing before the first device was opened, when browsers tell no names. */
  #seen = null;

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener('devicechange', () => void this.#devicesChanged());
  }

  /** Opens what is asked for, in one question to the person. Throws what the browser throws. */
  async open({ camera, microphone }) {
    if (!camera && !microphone) return;
    if (!navigator.mediaDevices) throw new TypeError('no devices in an insecure page');
    const picture = this.#facing ? { ...PICTURE, facingMode: { ideal: this.#facing } } : chosen(PICTURE, this.#cameraId);
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: microphone && chosen(SOUND, this.#microphoneId),
      video: camera && picture,
    });
    if (microphone) this.#takeMicrophone(stream.getAudioTracks()[0]);
    if (camera) this.#takeCamera(stream.getVideoTracks()[0]);
    this.#seen = await this.#all();
  }

  /** Both devices again, as they were chosen before; what the person has not, or switched off, stays away. */
  async reopen({ camera, microphone }) {
    this.cameraOn = camera;
    this.microphoneOn = microphone;
    await this.open({ camera, microphone: !this.listening });
  }

  async useCamera(id) {
    this.#cameraId = id;
    this.#facing = null;
    // Many phones cannot open two cameras at once: the old one goes first.
    this.#drop('camera');
    await this.open({ camera: true, microphone: false });
    this.cameraOn = true;
  }

  async useMicrophone(id) {
    this.#microphoneId = id;
    this.#drop('microphone');
    await this.open({ camera: false, microphone: true });
    this.listening = false;
  }

  useSpeaker(id) {
    this.speakerId = id;
    this.#changed();
  }

  /** Takes a device that was just plugged in. */
  async use({ kind, device }) {
    if (kind === 'camera') await this.useCamera(device.deviceId);
    else if (kind === 'microphone') await this.useMicrophone(device.deviceId);
    else this.useSpeaker(device.deviceId);
  }

  /** Whether the camera looks at what is before the person, not at them. */
  get facesAway() {
    return this.camera?.getSettings().facingMode === 'environment';
  }

  /** Can the camera be turned around? Only devices that are held in a hand say which way theirs look. */
  async canFlip() {
    if (!this.camera?.getSettings().facingMode) return false;
    return (await this.devices()).camera.length > 1;
  }

  /** The camera on the other side of the phone. */
  async flip() {
    this.#facing = this.facesAway ? 'user' : 'environment';
    this.#drop('camera');
    await this.open({ camera: true, microphone: false });
  }

  /** Off keeps the device, so that the first word after it is not lost. */
  async setMicrophone(on) {
    if (on && !this.microphone) {
      await this.open({ camera: false, microphone: true });
      this.listening = false;
    }
    this.microphoneOn = on;
    if (this.microphone) this.microphone.enabled = on;
  }

  /** Off closes the device, so that its light goes out; on opens it again. */
  async setCamera(on) {
    if (on && !this.camera) await this.open({ camera: true, microphone: false });
    if (!on) this.#drop('camera');
    this.cameraOn = on;
  }

  /** What the others may get. */
  sources() {
    return { microphone: this.microphone !== null && this.microphoneOn, camera: this.camera !== null && this.cameraOn };
  }

  /** The devices there are: `{ camera, microphone, speaker }`, each a list. */
  async devices() {
    const all = await this.#all();
    const of = (wanted) => all.filter(({ kind }) => KINDS[kind] === wanted);
    return { camera: of('camera'), microphone: of('microphone'), speaker: of('speaker') };
  }

  stop() {
    this.#drop('camera');
    this.#drop('microphone');
    this.#seen = null;
  }

  async #all() {
    return (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  }

  #takeMicrophone(track) {
    this.#drop('microphone');
    track.enabled = this.microphoneOn;
    this.microphone = track;
    track.addEventListener('ended', () => void this.#lost('microphone', track));
    this.#changed();
  }

  #takeCamera(track) {
    this.#drop('camera');
    track.contentHint = 'motion';
    this.camera = track;
    track.addEventListener('ended', () => void this.#lost('camera', track));
    this.#changed();
  }

  #drop(which) {
    if (!this[which]) return;
    this[which].stop();
    this[which] = null;
    this.#changed();
  }

  /** Unplugged, or taken by another program: whatever else there is takes its place. */
  async #lost(kind, track) {
    if (this[kind] !== track) return;
    this[kind] = null;
    if (kind === 'camera') this.#cameraId = '';
    else this.#microphoneId = '';
    this.#changed();
    try {
      await this.open({ camera: kind === 'camera', microphone: kind === 'microphone' });
    } catch {
      // There is no other, and what is said says so.
    }
    this.dispatchEvent(new CustomEvent('lost', { detail: { kind, now: this[kind]?.label ?? null } }));
  }

  async #devicesChanged() {
    const now = await this.#all();
    this.#changed();
    if (this.#seen === null) return;
    const [plugged] = newlyPlugged(this.#seen, now);
    this.#seen = now;
    if (this.speakerId && !now.some(({ kind, deviceId }) => kind === 'audiooutput' && deviceId === this.speakerId)) {
      this.useSpeaker('');
      this.dispatchEvent(new CustomEvent('lost', { detail: { kind: 'speaker', now: '' } }));
    }
    if (plugged) this.dispatchEvent(new CustomEvent('plugged', { detail: plugged }));
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** May this page open both devices without asking? Where a browser does not tell, no. */
export async function alreadyAllowed() {
  const states = await Promise.all(['camera', 'microphone'].map(permission));
  return states.every((state) => state === 'granted');
}

/** What the person, or the browser for them, has decided: `granted`, `denied`, `prompt`, or null where it is not told. */
export async function permission(name) {
  try {
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return null;
  }
}

/** Can this browser share its screen? Phones cannot. */
export function canShareScreen() {
  return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}

/** The screen that the person picks. Detail over motion: it is text that is looked at. */
export async function openScreen() {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false });
  const [track] = stream.getVideoTracks();
  track.contentHint = 'detail';
  return track;
}

/** Can sound be sent to a speaker of choice? */
export function canChooseSpeaker() {
  return typeof HTMLMediaElement.prototype.setSinkId === 'function';
}
